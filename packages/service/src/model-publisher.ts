import type { Client } from "@connectrpc/connect";
import { backoffMs, type Clock, type Component, type Health, type Logger, type Random } from "@plinth/kernel";
import type { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";

export interface ModelPublisherOptions {
  /** A service may put only the module of its own name. */
  module: string;
  /** Types in the OpenFGA language, schema 1.1. */
  dsl: string;
  authz: Client<typeof AuthzService>;
  health: Health;
  logger: Logger;
  clock: Clock;
  random: Random;
}

const retry = { initialMs: 200, maxMs: 10_000 };

/**
 * Puts a service's part of the permission model through to authz, again and again until authz has it. Until then the
 * service is not ready: authz could not answer its questions.
 */
export function createModelPublisher(options: ModelPublisherOptions): Component {
  const { module, dsl, authz, health, logger, clock, random } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let running = Promise.resolve();
  let problem: string | undefined = "authz does not have it yet";
  health.add("permission model", () => problem);

  async function run(): Promise<void> {
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        const { changed, modelVersion } = await authz.putModelModule({ module, dsl }, { signal });
        problem = undefined;
        logger.info({ changed, modelVersion }, "permission model is in place");
        return;
      } catch (err) {
        if (signal.aborted) return;
        problem = `authz did not take it: ${(err as Error).message}`;
        logger.warn({ err, attempt }, "authz did not take the permission model, trying again");
        await clock.sleep(backoffMs(Math.min(attempt, 10), retry, random), signal).catch(() => {});
      }
    }
  }

  return {
    name: "permission model",
    async start() {
      running = run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

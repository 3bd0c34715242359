import { createPostgresRegistry, type Registration, type Registry } from "@plinth/discovery";
import type { Clock, Component, Logger } from "@plinth/kernel";

/** An instance that is ready and cannot announce itself. */
export interface Announced {
  service: string;
  /** Another one after every restart. */
  instanceId: string;
  port: number;
}

export interface RegistrarOptions {
  discoveryUrl: string;
  /** Those that should be found right now. */
  ready: () => readonly Announced[];
  clock: Clock;
  logger: Logger;
}

/** What is ready is found within this, and what is not any more is forgotten within it. */
const lookMs = 500;

/**
 * Registers services in other languages, as Kubernetes does for every pod: a process that knows nothing of Plinth is
 * found by the gateway and by the others while it is ready.
 */
export function createRegistrar(options: RegistrarOptions): Component {
  const { clock, logger } = options;
  const stopping = new AbortController();
  const registry: Registry = createPostgresRegistry({
    url: options.discoveryUrl,
    applicationName: "plinth registrar",
    logger,
    clock,
  });
  const registered = new Map<string, Registration>();
  let running: Promise<void> = Promise.resolve();

  async function look(): Promise<void> {
    const wanted = new Map(options.ready().map((instance) => [instance.instanceId, instance]));
    for (const [id, registration] of registered) {
      if (wanted.has(id)) continue;
      registered.delete(id);
      await registration.deregister();
    }
    for (const [id, instance] of wanted) {
      if (!registered.has(id)) registered.set(id, await registry.register({ ...instance, host: "127.0.0.1" }));
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await look().catch((err) =>
        logger.warn({ err }, "services in other languages could not be announced, trying on"),
      );
      await clock.sleep(lookMs, stopping.signal).catch(() => {});
    }
  }

  return {
    name: "registrar",
    async start() {
      await registry.start?.();
      running = run();
    },
    async stop(signal) {
      stopping.abort();
      await running;
      for (const registration of registered.values()) await registration.deregister().catch(() => {});
      await registry.stop?.(signal);
    },
  };
}

import { systemClock } from "./clock.ts";
import { ConfigError } from "./config.ts";
import { type Component, createLifecycle } from "./lifecycle.ts";
import { createLogger, type Logger } from "./logger.ts";

/** Exit codes: 0 stopped in order, 1 failed while starting or running, 2 wrong configuration. */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;

export interface ProcessPlan {
  logger: Logger;
  components: readonly Component[];
}

/**
 * Runs a service: `compose` reads the configuration and wires everything, then the parts start; SIGTERM or SIGINT
 * (or the end of standard input, when PLINTH_EXIT_ON_STDIN_END is "true") stops them in order.
 */
export async function runProcess(service: string, compose: () => Promise<ProcessPlan> | ProcessPlan): Promise<void> {
  let plan: ProcessPlan;
  try {
    plan = await compose();
  } catch (err) {
    const usage = err instanceof ConfigError;
    if (usage) process.stderr.write(`${service}: ${err.message}\n`);
    else createLogger({ service, level: "info" }).error({ err }, "could not be composed");
    return exitAfterFlush(usage ? exitCodes.usage : exitCodes.failed);
  }
  const { logger } = plan;
  const lifecycle = createLifecycle(plan.components, { logger, clock: systemClock });
  let stopping = false;
  const stop = async (why: string, code: number) => {
    stopping = true;
    logger.info({ why }, "stopping");
    await lifecycle.stop();
    logger.info({}, "stopped");
    exitAfterFlush(code);
  };
  process.once("SIGTERM", () => void stop("SIGTERM", exitCodes.ok));
  process.once("SIGINT", () => void stop("SIGINT", exitCodes.ok));
  if (process.env["PLINTH_EXIT_ON_STDIN_END"] === "true") {
    process.stdin.on("end", () => void stop("supervisor is gone", exitCodes.ok)).resume();
  }
  process.on("uncaughtException", (err) => {
    logger.error({ err }, "uncaught exception");
    void stop("uncaught exception", exitCodes.failed);
  });
  try {
    await lifecycle.start();
    if (!stopping) logger.info({ startedInMs: Math.round(process.uptime() * 1000) }, "started");
  } catch (err) {
    logger.error({ err }, "could not start");
    exitAfterFlush(exitCodes.failed);
  }
}

function exitAfterFlush(code: number): void {
  process.exitCode = code;
  // The asynchronous log destination flushes on the next turns of the event loop.
  setTimeout(() => process.exit(code), 20);
}

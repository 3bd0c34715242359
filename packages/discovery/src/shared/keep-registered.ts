import type { Clock, Logger } from "@plinth/kernel";
import type { Instance, Registration } from "../discovery.ts";

export interface KeepRegisteredOptions {
  instance: Instance;
  /** A third of it passes between two renewals. */
  leaseMs: number;
  /** Writes the registration, or what keeps it; makes it anew where the registry forgot it. Throws when it is away. */
  renew(draining: boolean): Promise<void>;
  /** Takes it away. */
  remove(): Promise<void>;
  logger: Logger;
  clock: Clock;
  /** Ends the renewals without taking anything away, as a death would. */
  stopping: AbortSignal;
}

/** Registers, and keeps it so until the end. Resolves once others can see the instance. */
export async function keepRegistered(options: KeepRegisteredOptions): Promise<Registration> {
  const { instance, renew, logger, clock } = options;
  const ended = new AbortController();
  const signal = AbortSignal.any([ended.signal, options.stopping]);
  let draining = false;
  let failing = false;
  // One at a time: a renewal that is on its way when the instance begins to drain would say that it does not.
  let turn = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = turn.then(work);
    turn = done.catch(() => {});
    return done;
  };

  async function beat(): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(options.leaseMs / 3, signal).catch(() => {});
      if (signal.aborted) return;
      try {
        await inTurn(() => renew(draining));
        if (failing) logger.info({ instance: instance.instanceId }, "registered again");
        failing = false;
      } catch (err) {
        if (signal.aborted) return;
        if (!failing) logger.warn({ err, instance: instance.instanceId }, "lease could not be renewed, trying on");
        failing = true;
      }
    }
  }

  await inTurn(() => renew(false));
  const beating = beat();
  return {
    async drain() {
      draining = true;
      await inTurn(() => renew(true));
    },
    async deregister() {
      ended.abort();
      // A renewal under way would bring the instance back.
      await beating;
      await inTurn(options.remove);
    },
  };
}

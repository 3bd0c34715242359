import { backoffMs, type Clock, type Logger, type Random } from "@plinth/kernel";

export interface KeepFollowingOptions {
  /** Follows the registry until it breaks; tells when it was reached. Returning means: at once again. */
  follow(reached: () => void): Promise<void>;
  /** It broke. */
  lost(): void;
  /** Of what is followed, for the log. */
  about?: object;
  logger: Logger;
  clock: Clock;
  random: Random;
  stopping: AbortSignal;
}

const reconnect = { initialMs: 50, maxMs: 2_000 };

/** Follows the registry until the end, with growing delays while it is away. */
export async function keepFollowing(options: KeepFollowingOptions): Promise<void> {
  const { follow, lost, logger, clock, random, stopping } = options;
  let failures = 0;
  while (!stopping.aborted) {
    try {
      await follow(() => {
        if (failures > 0) logger.info({ ...options.about }, "the registry is back");
        failures = 0;
      });
    } catch (err) {
      if (stopping.aborted) return;
      failures++;
      // Said once: an absence of minutes is one event, not one of each attempt.
      if (failures === 1)
        logger.warn({ err, ...options.about }, "registry cannot be reached, going on with the last known endpoints");
      lost();
      await clock.sleep(backoffMs(Math.min(failures, 10), reconnect, random), stopping).catch(() => {});
    }
  }
}

import type { Clock, Component, Logger } from "@plinth/kernel";
import type { KeySet } from "@plinth/rpc";

/** First attempts after a start come quickly: auth may start a moment later. */
const startRetryMs = 1_000;
const refreshMs = 300_000;

/** Fetches auth's keys before a token needs them, and says when that starts and stops failing. */
export function keepKeys(keys: KeySet, clock: Clock, logger: Logger): Component & { now(): void } {
  const stopping = new AbortController();
  let failing = false;

  async function attempt(): Promise<void> {
    const before = keys.version();
    try {
      await keys.refresh();
      if (keys.version() !== before) logger.info({}, "access token keys loaded");
      failing = false;
    } catch (err) {
      // Said once per outage: while there are no keys, attempts come every second.
      logger[failing ? "debug" : "warn"](
        { err, haveKeys: keys.ageMs() !== undefined },
        "access token keys could not be fetched",
      );
      failing = true;
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await attempt();
      await clock.sleep(keys.ageMs() === undefined ? startRetryMs : refreshMs, stopping.signal).catch(() => {});
    }
  }

  return {
    name: "access token keys",
    start: async () => void run(),
    stop: async () => stopping.abort(),
    now: () => void attempt(),
  };
}

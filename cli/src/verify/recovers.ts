import type { Clock } from "@plinth/kernel";

/** A failed check is repeated this often, until it passes. */
const recheckMs = 30_000;

/** True once the check passes, false when the platform is asked to stop before. */
export async function recovers(
  check: () => Promise<boolean>,
  { clock, stopRequested }: { clock: Clock; stopRequested: Promise<void> },
): Promise<boolean> {
  const stopping = new AbortController();
  const stopped = stopRequested.then(() => {
    stopping.abort();
    return false;
  });
  for (;;) {
    await clock.sleep(recheckMs, stopping.signal).catch(() => {});
    if (stopping.signal.aborted) return false;
    if (await Promise.race([check(), stopped])) return true;
  }
}

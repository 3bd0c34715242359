import type { Clock } from "@plinth/kernel";

export interface DeadlineOptions {
  clock: Clock;
  ms: number;
  /** Aborts sooner, with its own reason. */
  outer: AbortSignal | undefined;
  /** Makes the reason when the time is over. */
  onTimeout: () => unknown;
}

/** Aborting with a reason of its own spares the stack that the runtime would take for its default one. */
const over = new Error("the work was done in time");

/** A signal that aborts with `outer` or after `ms`; leaves neither timer nor listener behind once disposed. */
export function createDeadline({ clock, ms, outer, onTimeout }: DeadlineOptions): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const disposed = new AbortController();
  const abort = (): void => controller.abort(outer?.reason);
  clock.sleep(ms, disposed.signal).then(
    () => controller.abort(onTimeout()),
    () => {},
  );
  outer?.addEventListener("abort", abort, { once: true });
  if (outer?.aborted) abort();
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      disposed.abort(over);
      outer?.removeEventListener("abort", abort);
    },
  };
}

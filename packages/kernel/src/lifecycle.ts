import type { Clock } from "./clock.ts";
import type { Logger } from "./logger.ts";

/** A part of a process that starts and stops. Parts start in the order given and stop in the reverse order. */
export interface Component {
  name: string;
  start?(): Promise<void>;
  /** Finishes work in hand. `signal` aborts when the time for it is over. */
  stop?(signal: AbortSignal): Promise<void>;
}

export interface Lifecycle {
  /** Starts all parts, unless it is stopped meanwhile; when one fails, stops those that run already and throws its error. */
  start(): Promise<void>;
  /** Stops all parts within `stopTimeoutMs` altogether. Calling it again returns the same promise. */
  stop(): Promise<void>;
}

export interface LifecycleOptions {
  logger: Logger;
  clock: Clock;
  /** Bound for the whole stop. Default 25 s: below the 30 s that Kubernetes grants. */
  stopTimeoutMs?: number;
}

export function createLifecycle(components: readonly Component[], options: LifecycleOptions): Lifecycle {
  const { logger, clock, stopTimeoutMs = 25_000 } = options;
  const started: Component[] = [];
  let stopping: Promise<void> | undefined;

  async function stopAll(): Promise<void> {
    const signal = AbortSignal.timeout(stopTimeoutMs);
    for (const component of started.toReversed()) {
      const begin = clock.monotonicMs();
      try {
        await untilAborted(component.stop?.(signal), signal);
      } catch (err) {
        logger.error({ err, component: component.name }, "component did not stop cleanly");
      }
      logger.debug(
        { component: component.name, durationMs: Math.round(clock.monotonicMs() - begin) },
        "component stopped",
      );
    }
  }

  function stop(): Promise<void> {
    stopping ??= stopAll();
    return stopping;
  }

  return {
    stop,
    async start() {
      for (const component of components) {
        if (stopping) return stopping;
        started.push(component);
        try {
          await component.start?.();
        } catch (err) {
          await stop();
          throw new Error(`${component.name} did not start: ${(err as Error).message}`, { cause: err });
        }
      }
    },
  };
}

function untilAborted(work: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  if (!work) return Promise.resolve();
  return new Promise((resolve, reject) => {
    work.then(resolve, reject);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    // A signal that an earlier part has used up does not fire again; what stops at once may still do so.
    if (signal.aborted) setImmediate(() => reject(signal.reason));
  });
}

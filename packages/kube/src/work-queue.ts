import type { Meter } from "@opentelemetry/api";
import type { Clock, Random } from "@plinth/kernel";
import { createDelayHeap } from "./delay-heap.ts";
import { createQueueMetrics } from "./queue-metrics.ts";
import { createReadyList, higherPriority, type Priority } from "./ready-list.ts";
import { createTokenBucket } from "./token-bucket.ts";

export interface WorkItem {
  readonly key: string;
  readonly priority: Priority;
  /** Must be called once, whatever came of it: until then the key is not handed out again. */
  done(): void;
}

export interface AddOptions {
  /** Default normal. A key that waits already rises, never sinks. */
  priority?: Priority;
  /** Not before this time has passed. A key that waits already keeps the earlier time. */
  afterMs?: number;
}

/**
 * Keys of work to do. A key waits at most once and is worked on by at most one at a time; what is added while it is in hand
 * comes again afterwards. Retries of a key come after a growing delay, and all retries together at a limited rate.
 */
export interface WorkQueue {
  /** False when the queue is full or stopped. */
  add(key: string, options?: AddOptions): boolean;
  /** Adds the key again after its backoff, and says after how many milliseconds. */
  retry(key: string, priority?: Priority): number;
  /** The key did well: its backoff starts over. */
  forget(key: string): void;
  /** Attempts of the key since it did well. */
  failures(key: string): number;
  /** The next key; waits for one. Undefined once the queue is stopped: what still waits is left. */
  next(): Promise<WorkItem | undefined>;
  /** Keys that wait, delayed ones included. */
  readonly size: number;
  /** Takes no more keys; resolves when all work in hand is done. */
  stop(): Promise<void>;
}

export interface WorkQueueOptions {
  /** Label of the metrics. */
  name: string;
  clock: Clock;
  random: Random;
  meter?: Meter;
  /** Delay of a key's first retry, doubled each time. Default 5 ms, controller-runtime's. */
  retryInitialMs?: number;
  /** Default 1000 s, controller-runtime's. */
  retryMaxMs?: number;
  /**
   * Retries of all keys together. Default 50 per second after a burst of 500: five times client-go's, so that a thousand
   * keys that failed with the API server are back within a quarter of a minute; the server's own fairness does the rest.
   */
  retriesPerSecond?: number;
  retriesBurst?: number;
  /** Keys that may wait. Default 100 000. */
  keysMax?: number;
}

interface Waiting {
  priority: Priority;
  readyAtMs: number;
  /** In the ready list, as opposed to the heap or held back while the key is in hand. */
  ready: boolean;
}

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const { clock, random, retryInitialMs = 5, retryMaxMs = 1_000_000, keysMax = 100_000 } = options;
  const waiting = new Map<string, Waiting>();
  const inHand = new Map<string, number>();
  const failures = new Map<string, number>();
  const ready = createReadyList();
  const delayed = createDelayHeap<string>();
  const takers: ((item: WorkItem | undefined) => void)[] = [];
  const bucket = createTokenBucket({
    perSecond: options.retriesPerSecond ?? 50,
    burst: options.retriesBurst ?? 500,
    clock,
  });
  const metrics = createQueueMetrics(
    options.name,
    { depth: () => ready.size, inHandMs: () => [...inHand.values()].map((since) => clock.monotonicMs() - since) },
    options.meter,
  );
  let timer: { atMs: number; cancel: AbortController } | undefined;
  let drained: PromiseWithResolvers<void> | undefined;

  function makeReady(key: string, entry: Waiting): void {
    if (entry.ready || inHand.has(key)) return;
    entry.ready = true;
    ready.add(key, entry.priority);
    const taker = takers.shift();
    if (taker) taker(take());
  }

  function take(): WorkItem | undefined {
    const key = ready.take();
    const entry = key === undefined ? undefined : waiting.get(key);
    if (key === undefined || !entry) return undefined;
    const nowMs = clock.monotonicMs();
    waiting.delete(key);
    inHand.set(key, nowMs);
    metrics.started(nowMs - entry.readyAtMs);
    let finished = false;
    return {
      key,
      priority: entry.priority,
      done() {
        if (finished) return;
        finished = true;
        finish(key, nowMs);
      },
    };
  }

  function finish(key: string, sinceMs: number): void {
    inHand.delete(key);
    metrics.finished(clock.monotonicMs() - sinceMs);
    const again = waiting.get(key);
    if (drained && inHand.size === 0) drained.resolve();
    else if (again && again.readyAtMs <= clock.monotonicMs()) makeReady(key, again);
  }

  /** One timer for the earliest delayed key. */
  function armTimer(): void {
    const atMs = delayed.nextDueAtMs();
    if (atMs === undefined || drained || (timer && timer.atMs <= atMs)) return;
    timer?.cancel.abort();
    const cancel = new AbortController();
    timer = { atMs, cancel };
    clock.sleep(Math.max(0, atMs - clock.monotonicMs()), cancel.signal).then(
      () => {
        timer = undefined;
        releaseDue();
      },
      () => {},
    );
  }

  function releaseDue(): void {
    const nowMs = clock.monotonicMs();
    for (let key = delayed.takeDue(nowMs); key !== undefined; key = delayed.takeDue(nowMs)) {
      // The heap may hold a key more than once; only what still waits and is due counts.
      const entry = waiting.get(key);
      if (entry && entry.readyAtMs <= nowMs) makeReady(key, entry);
    }
    armTimer();
  }

  function add(key: string, { priority = "normal", afterMs = 0 }: AddOptions = {}): boolean {
    if (drained) return false;
    const known = waiting.get(key);
    if (!known && waiting.size >= keysMax) return false;
    const readyAtMs = clock.monotonicMs() + Math.max(0, afterMs);
    const entry = known ?? { priority, readyAtMs, ready: false };
    if (!known) {
      waiting.set(key, entry);
      metrics.added();
    }
    const raised = higherPriority(priority, entry.priority);
    if (raised !== entry.priority) {
      if (entry.ready) {
        ready.remove(key, entry.priority);
        ready.add(key, raised);
      }
      entry.priority = raised;
    }
    const sooner = readyAtMs < entry.readyAtMs;
    if (sooner) entry.readyAtMs = readyAtMs;
    if (afterMs <= 0) makeReady(key, entry);
    else if (!known || sooner) {
      delayed.push(key, entry.readyAtMs);
      // Keys that were taken early leave their delay behind.
      if (delayed.size > 2 * waiting.size + 1024) {
        delayed.retain((item, dueAtMs) => waiting.get(item)?.readyAtMs === dueAtMs);
      }
      armTimer();
    }
    return true;
  }

  return {
    add,
    retry(key, priority = "normal") {
      const failed = failures.get(key) ?? 0;
      failures.set(key, failed + 1);
      const exponentialMs = Math.min(retryMaxMs, retryInitialMs * 2 ** failed);
      // Half is fixed, half is chance: keys that failed together do not come back together.
      const delayMs = Math.max(exponentialMs * (0.5 + 0.5 * random.fraction()), bucket.reserveMs());
      metrics.retried();
      add(key, { priority, afterMs: delayMs });
      return delayMs;
    },
    forget: (key) => void failures.delete(key),
    failures: (key) => failures.get(key) ?? 0,
    next() {
      if (drained) return Promise.resolve(undefined);
      const item = take();
      return item ? Promise.resolve(item) : new Promise((resolve) => takers.push(resolve));
    },
    get size() {
      return waiting.size;
    },
    stop() {
      if (drained) return drained.promise;
      drained = Promise.withResolvers();
      timer?.cancel.abort();
      for (const taker of takers.splice(0)) taker(undefined);
      metrics.close();
      if (inHand.size === 0) drained.resolve();
      return drained.promise;
    },
  };
}

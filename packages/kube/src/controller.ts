import { type Meter, SpanStatusCode, trace } from "@opentelemetry/api";
import { type Clock, type Component, Fault, type Logger, type Random } from "@plinth/kernel";
import { createBreather } from "./breather.ts";
import { createControllerMetrics, type ReconcileResult } from "./controller-metrics.ts";
import { createDeadline } from "./deadline.ts";
import type { Priority } from "./ready-list.ts";
import type { Source } from "./source.ts";
import { TerminalFault } from "./terminal-fault.ts";
import { createWorkQueue, type WorkItem, type WorkQueueOptions } from "./work-queue.ts";

/** What a reconcile came to. Throwing means: again after a growing delay; TerminalFault: not before something changes. */
export type Result = { done: true } | { requeueAfterMs: number; why: string };

/** Makes the world match what the object of this key asks for. Called for one key by one worker at a time. */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<Result>;

export interface ControllerOptions {
  /** Label of metrics and logs. */
  name: string;
  sources: readonly Source[];
  reconcile: Reconcile;
  clock: Clock;
  random: Random;
  logger: Logger;
  meter?: Meter;
  /** Keys worked on at once. Default 8. */
  workersMax?: number;
  /** After this time the signal of a reconcile aborts. Default 2 min. */
  reconcileTimeoutMs?: number;
  /** Every key again at least this often, at low priority. Default 10 h, controller-runtime's. */
  resyncMs?: number;
  queue?: Pick<WorkQueueOptions, "retryInitialMs" | "retryMaxMs" | "retriesPerSecond" | "retriesBurst" | "keysMax">;
}

export interface Controller extends Component {
  /** Resolves when the sources are complete and workers run. */
  ready: Promise<void>;
  /** Reconciles this key soon, before everything else. */
  trigger(key: string): void;
  /** Keys that wait or are in hand. */
  backlog(): number;
}

export function createController(options: ControllerOptions): Controller {
  const { name, sources, reconcile, clock, random, workersMax = 8, reconcileTimeoutMs = 120_000 } = options;
  const keysMax = options.queue?.keysMax ?? 100_000;
  const logger = options.logger.child({ controller: name });
  const meter = options.meter ? { meter: options.meter } : {};
  const queue = createWorkQueue({ name, clock, random, ...meter, ...options.queue, keysMax });
  let active = 0;
  const metrics = createControllerMetrics(name, { active: () => active, workersMax }, options.meter);
  const tracer = trace.getTracer("plinth.kube");
  const stopping = new AbortController();
  const ready = Promise.withResolvers<void>();
  let work: Promise<unknown> = Promise.resolve();
  let open: { close(): void }[] = [];
  /** Keys of a resync that were not offered yet: it never fills more than half of the queue. */
  let rest: Iterator<string> | undefined;
  /** The queue was full; a resync, or another one, makes good what it refused. */
  let refused = false;

  function offer(key: string, priority: Priority): void {
    if (queue.add(key, { priority }) || stopping.signal.aborted) return;
    if (!refused) logger.error({ waiting: queue.size }, "work queue is full; everything is looked at again after it");
    refused = true;
    rest ??= allKeys();
  }

  function* allKeys(): Generator<string> {
    refused = false;
    for (const source of sources) yield* source.keys();
  }

  function refill(): void {
    while (rest && queue.size < keysMax / 2) {
      const { done, value } = rest.next();
      if (!done) queue.add(value, { priority: "background" });
      else rest = refused ? allKeys() : undefined;
    }
  }

  async function resyncForever(): Promise<void> {
    const everyMs = options.resyncMs ?? 36_000_000;
    while (!stopping.signal.aborted) {
      await clock.sleep(everyMs * (1 + 0.1 * random.fraction()), stopping.signal).catch(() => {});
      if (stopping.signal.aborted) return;
      rest ??= allKeys();
      refill();
    }
  }

  const breathe = createBreather(clock);

  async function runWorker(): Promise<void> {
    for (let item = await queue.next(); item; item = await queue.next()) {
      for (let turn = breathe(); turn; turn = breathe()) await turn;
      if (stopping.signal.aborted) {
        item.done();
        return;
      }
      active++;
      const begin = clock.monotonicMs();
      try {
        const result = await tracer.startActiveSpan(`reconcile ${name}`, async (span) => {
          span.setAttribute("plinth.key", (item as WorkItem).key);
          const outcome = await reconcileOnce(item as WorkItem);
          if (outcome === "error") span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
          return outcome;
        });
        metrics.finished(result, clock.monotonicMs() - begin);
      } finally {
        active--;
        item.done();
      }
      refill();
    }
  }

  async function reconcileOnce({ key, priority }: WorkItem): Promise<ReconcileResult> {
    const onTimeout = (): Fault => {
      metrics.timedOut();
      return timeoutFault(reconcileTimeoutMs);
    };
    using deadline = createDeadline({ clock, ms: reconcileTimeoutMs, outer: stopping.signal, onTimeout });
    try {
      const result = await reconcile(key, deadline.signal);
      queue.forget(key);
      if (!("requeueAfterMs" in result)) return "success";
      logger.debug({ key, afterMs: result.requeueAfterMs, why: result.why }, "reconcile comes again");
      queue.add(key, { priority, afterMs: result.requeueAfterMs });
      return "requeue_after";
    } catch (err) {
      if (stopping.signal.aborted) return "error";
      if (err instanceof TerminalFault) {
        metrics.terminal();
        queue.forget(key);
        logger.error({ err, key }, "reconcile failed for good");
      } else {
        const afterMs = queue.retry(key, priority);
        logger.warn({ err, key, afterMs: Math.round(afterMs), failures: queue.failures(key) }, "reconcile failed");
      }
      return "error";
    }
  }

  async function run(): Promise<void> {
    open = sources.map((source) => source.open(offer));
    const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener("abort", () => resolve()));
    await Promise.race([Promise.all(sources.map((source) => source.synced)), stopped]);
    if (stopping.signal.aborted) return;
    ready.resolve();
    await Promise.all([resyncForever(), ...Array.from({ length: workersMax }, runWorker)]);
  }

  return {
    name: `controller ${name}`,
    ready: ready.promise,
    trigger: (key) => offer(key, "urgent"),
    backlog: () => queue.size + active,
    /** Returns at once; workers start when all sources are complete. */
    async start() {
      work = run();
    },
    /** Lets reconciles in hand end; their signal aborts at once. */
    async stop() {
      stopping.abort(stoppingFault());
      for (const each of open) each.close();
      await queue.stop();
      await work;
      metrics.close();
    },
  };
}

const stoppingFault = (): Fault =>
  new Fault({ code: "canceled", reason: "STOPPING", message: "the controller is stopping" });

const timeoutFault = (ms: number): Fault =>
  new Fault({ code: "deadline_exceeded", reason: "RECONCILE_TIMEOUT", message: `a reconcile took more than ${ms} ms` });

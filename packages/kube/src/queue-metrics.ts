import { type Meter, metrics, type ObservableResult } from "@opentelemetry/api";

export interface QueueMetrics {
  added(): void;
  retried(): void;
  started(waitedMs: number): void;
  finished(workedMs: number): void;
  close(): void;
}

/** Seconds from 10 ns to 1000 s in powers of ten: controller-runtime's. */
const buckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000];

/** Names and labels as controller-runtime's, so that dashboards for Go controllers work. */
export function createQueueMetrics(
  name: string,
  state: { depth: () => number; inHandMs: () => number[] },
  meter: Meter = metrics.getMeter("plinth.kube"),
): QueueMetrics {
  const labels = { name, controller: name };
  const seconds = (metric: string, description: string) =>
    meter.createHistogram(metric, { description, advice: { explicitBucketBoundaries: buckets } });
  const adds = meter.createCounter("workqueue_adds_total", { description: "Keys added" });
  const retries = meter.createCounter("workqueue_retries_total", { description: "Keys added again after a failure" });
  const queued = seconds("workqueue_queue_duration_seconds", "Time a key waited before it was taken");
  const worked = seconds("workqueue_work_duration_seconds", "Time a key was worked on");
  adds.add(0, labels);
  retries.add(0, labels);

  const gauges = [
    gauge("workqueue_depth", "Keys that wait to be taken", () => state.depth()),
    gauge("workqueue_unfinished_work_seconds", "Age of all work in hand together", () =>
      state.inHandMs().reduce((sum, ms) => sum + ms / 1000, 0),
    ),
    gauge("workqueue_longest_running_processor_seconds", "Age of the oldest work in hand", () =>
      state.inHandMs().reduce((longest, ms) => Math.max(longest, ms / 1000), 0),
    ),
  ];

  function gauge(metric: string, description: string, read: () => number): { close(): void } {
    const instrument = meter.createObservableGauge(metric, { description });
    const observe = (result: ObservableResult): void => result.observe(read(), labels);
    instrument.addCallback(observe);
    return { close: () => instrument.removeCallback(observe) };
  }

  return {
    added: () => adds.add(1, labels),
    retried: () => retries.add(1, labels),
    started: (waitedMs) => queued.record(waitedMs / 1000, labels),
    finished: (workedMs) => worked.record(workedMs / 1000, labels),
    close() {
      for (const each of gauges) each.close();
    },
  };
}

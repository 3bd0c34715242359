import { type Meter, metrics, type ObservableResult } from "@opentelemetry/api";

export type ReconcileResult = "success" | "requeue_after" | "error";

export interface ControllerMetrics {
  finished(result: ReconcileResult, durationMs: number): void;
  terminal(): void;
  timedOut(): void;
  close(): void;
}

/** Seconds; controller-runtime's. */
const buckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2,
  2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];

/** Names and labels as controller-runtime's, so that dashboards for Go controllers work. */
export function createControllerMetrics(
  controller: string,
  state: { active: () => number; workersMax: number },
  meter: Meter = metrics.getMeter("plinth.kube"),
): ControllerMetrics {
  const labels = { controller };
  const counter = (name: string, description: string) => meter.createCounter(name, { description });
  const total = counter("controller_runtime_reconcile_total", "Reconciles by result");
  const errors = counter("controller_runtime_reconcile_errors_total", "Reconciles that failed");
  const terminal = counter("controller_runtime_terminal_reconcile_errors_total", "Failures that are not tried again");
  const timeouts = counter("controller_runtime_reconcile_timeouts_total", "Reconciles that took too long");
  const time = meter.createHistogram("controller_runtime_reconcile_time_seconds", {
    description: "Time a reconcile took",
    advice: { explicitBucketBoundaries: buckets },
  });
  const activeWorkers = meter.createObservableGauge("controller_runtime_active_workers", {
    description: "Workers that reconcile now",
  });
  const workersMax = meter.createObservableGauge("controller_runtime_max_concurrent_reconciles", {
    description: "Workers there are",
  });
  const observeActive = (result: ObservableResult): void => result.observe(state.active(), labels);
  const observeMax = (result: ObservableResult): void => result.observe(state.workersMax, labels);
  activeWorkers.addCallback(observeActive);
  workersMax.addCallback(observeMax);
  // From the start, so that rate() sees the first one.
  for (const result of ["success", "requeue_after", "requeue", "error"]) total.add(0, { controller, result });
  for (const each of [errors, terminal, timeouts]) each.add(0, labels);

  return {
    finished(result, durationMs) {
      total.add(1, { controller, result });
      if (result === "error") errors.add(1, labels);
      time.record(durationMs / 1000, labels);
    },
    terminal: () => terminal.add(1, labels),
    timedOut: () => timeouts.add(1, labels),
    close() {
      activeWorkers.removeCallback(observeActive);
      workersMax.removeCallback(observeMax);
    },
  };
}

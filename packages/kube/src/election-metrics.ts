import { type Meter, metrics, type ObservableResult } from "@opentelemetry/api";

/** client-go's gauge: 1 while this process leads. */
export function createElectionMetrics(
  name: string,
  isLeader: () => boolean,
  meter: Meter = metrics.getMeter("plinth.kube"),
): { close(): void } {
  const gauge = meter.createObservableGauge("leader_election_master_status", {
    description: "1 while this process leads",
  });
  const observe = (result: ObservableResult): void => result.observe(isLeader() ? 1 : 0, { name });
  gauge.addCallback(observe);
  return { close: () => gauge.removeCallback(observe) };
}

import { type BatchObservableResult, metrics, type ObservableResult } from "@opentelemetry/api";
import type { Backlog } from "@plinth/postgres";

// Asked for late: what is made before telemetry starts does nothing for ever.
const meter = () => metrics.getMeter("plinth.bus");

let counter: ReturnType<ReturnType<typeof meter>["createCounter"]> | undefined;

/** Messages that a group is done with, by outcome: handled, skipped (a type it does not know) or dead. */
export const consumed = {
  add(count: number, attributes: { consumer_group: string; topic: string; outcome: string }): void {
    counter ??= meter().createCounter("plinth_bus_consumed_total", {
      description: "Messages that a consumer group is done with, by outcome: handled, skipped or dead",
    });
    counter.add(count, attributes);
  },
};

/** Messages per topic that wait for a group in the partitions that this process owns. */
export type ReadLag = () => Promise<ReadonlyMap<string, number>>;

/** Shows a group's lag for as long as it is wanted; it is read when metrics are. Returns the end of it. */
export function observeLag(group: string, read: ReadLag): () => void {
  const gauge = meter().createObservableGauge("plinth_bus_lag", {
    description:
      "Messages that wait for a consumer group in the partitions that this process owns; their sum is the group's",
  });
  const observe = async (result: ObservableResult) => {
    // A bus that is away has no lag to tell; it is the outbox that grows.
    const lags = await read().catch(() => new Map<string, number>());
    for (const [topic, lag] of lags) result.observe(lag, { consumer_group: group, topic });
  };
  gauge.addCallback(observe);
  return () => gauge.removeCallback(observe);
}

/** Shows how much waits in the outbox of this service, for as long as this process relays it. Returns the end of it. */
export function observeBacklog(read: () => Promise<Backlog>): () => void {
  const waiting = meter().createObservableGauge("plinth_outbox_waiting", {
    description: "Events that are committed and not yet on the bus; told by the process that relays them",
  });
  const oldest = meter().createObservableGauge("plinth_outbox_oldest_age_seconds", {
    description: "How long the oldest of them has waited",
    unit: "s",
  });
  const observe = async (result: BatchObservableResult) => {
    const backlog = await read().catch(() => undefined);
    if (!backlog) return;
    result.observe(waiting, backlog.waiting);
    result.observe(oldest, (backlog.oldestMs ?? 0) / 1000);
  };
  meter().addBatchObservableCallback(observe, [waiting, oldest]);
  return () => meter().removeBatchObservableCallback(observe, [waiting, oldest]);
}

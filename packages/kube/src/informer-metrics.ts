import { type Meter, metrics, type ObservableResult } from "@opentelemetry/api";
import type { RelistReason } from "./reflector.ts";
import type { Resource } from "./resource.ts";

export interface InformerMetrics {
  relisted(why: RelistReason): void;
  failed(reason: string): void;
  close(): void;
}

/** client-go dropped its reflector metrics for their cardinality; here the only labels are the kind and a fixed reason. */
export function createInformerMetrics(
  resource: Resource,
  size: () => number,
  meter: Meter = metrics.getMeter("plinth.kube"),
): InformerMetrics {
  const kind = resource.kind;
  const relists = meter.createCounter("plinth_kube_informer_relists_total", { description: "Full lists by reason" });
  const failures = meter.createCounter("plinth_kube_informer_failures_total", {
    description: "Lists and watches that failed, by reason",
  });
  const objects = meter.createObservableGauge("plinth_kube_informer_objects", { description: "Objects in the cache" });
  const observe = (result: ObservableResult): void => result.observe(size(), { kind });
  objects.addCallback(observe);
  return {
    relisted: (why) => relists.add(1, { kind, why }),
    failed: (reason) => failures.add(1, { kind, reason }),
    close: () => objects.removeCallback(observe),
  };
}

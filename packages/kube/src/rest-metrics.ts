import { type Meter, metrics } from "@opentelemetry/api";

export interface RestMetrics {
  observe(method: string, status: number, durationMs: number): void;
  /** No answer came. */
  failed(method: string): void;
}

/** Names and labels as client-go's, so that dashboards for Go controllers work. */
export function createRestMetrics(server: string, meter: Meter = metrics.getMeter("plinth.kube")): RestMetrics {
  const host = new URL(server).host;
  const requests = meter.createCounter("rest_client_requests_total", {
    description: "Calls to the API server by status, method and host",
  });
  const duration = meter.createHistogram("rest_client_request_duration_seconds", {
    description: "Time until the API server's headers, by verb and host",
    advice: { explicitBucketBoundaries: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60] },
  });
  return {
    observe(method, status, durationMs) {
      requests.add(1, { code: String(status), method, host });
      duration.record(durationMs / 1000, { verb: method, host });
    },
    failed: (method) => requests.add(1, { code: "<error>", method, host }),
  };
}

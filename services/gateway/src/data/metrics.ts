import { type Meter, metrics } from "@opentelemetry/api";
import { cellHistogram, type HistogramCell } from "@plinth/kernel";
import type { Exchange } from "./exchange.ts";

/** Counts of the gateway. Labels are bounded: route ids from the table, five status classes, named kinds of failure. */
export interface GatewayMetrics {
  started(): void;
  ended(exchange: Exchange, durationMs: number): void;
  upstreamFailed(service: string, kind: "connect" | "broken" | "status" | "full" | "refused"): void;
  rateLimited(routeId: string): void;
}

interface Cell {
  attributes: { route: string; code: string };
  requests: number;
  duration: HistogramCell;
}

const classes = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"];

export function createMetrics(
  jwksAgeMs: () => number | undefined,
  meter: Meter = metrics.getMeter("plinth.gateway"),
): GatewayMetrics {
  const duration = cellHistogram({
    name: "plinth_gateway_request_duration_seconds",
    description: "Time from the request's head to the end of the answer",
    unit: "s",
    boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  });
  const upstreamFailures = meter.createCounter("plinth_gateway_upstream_failures_total", {
    description: "Attempts at a service that failed, and how",
  });
  const limited = meter.createCounter("plinth_gateway_rate_limited_total", {
    description: "Requests refused because of their number",
  });
  const cells = new Map<string, Cell>();
  let inFlight = 0;
  // Counted in plain numbers and read when somebody asks: adding to a counter costs more than the rest of the layer.
  meter
    .createObservableCounter("plinth_gateway_requests_total", { description: "Requests that ended, and how" })
    .addCallback((result) => {
      for (const cell of cells.values()) result.observe(cell.requests, cell.attributes);
    });
  meter
    .createObservableGauge("plinth_gateway_requests_in_flight", { description: "Requests that have not ended" })
    .addCallback((result) => result.observe(inFlight));
  meter
    .createObservableGauge("plinth_gateway_jwks_age_seconds", {
      description: "Since auth's signing keys were read",
      unit: "s",
    })
    .addCallback((result) => {
      const age = jwksAgeMs();
      if (age !== undefined) result.observe(age / 1000);
    });
  return {
    started: () => {
      inFlight++;
    },
    ended(exchange, durationMs) {
      inFlight--;
      const route = exchange.route?.id ?? "none";
      const code = codeClass(exchange);
      const key = `${code}${route}`;
      let cell = cells.get(key);
      if (cell === undefined) {
        const attributes = { route, code };
        cell = { attributes, requests: 0, duration: duration.cell(attributes) };
        cells.set(key, cell);
      }
      cell.requests++;
      cell.duration.record(durationMs / 1000);
    },
    upstreamFailed: (service, kind) => upstreamFailures.add(1, { service, kind }),
    rateLimited: (route) => limited.add(1, { route }),
  };
}

/** "2xx" ... "5xx", "grpc_error" for gRPC failures inside HTTP 200, "aborted" when no head was sent. */
function codeClass(exchange: Exchange): string {
  if (exchange.status === 0) return "aborted";
  if (exchange.grpcStatus !== "" && exchange.grpcStatus !== "0") return "grpc_error";
  return classes[Math.floor(exchange.status / 100)] ?? "other";
}

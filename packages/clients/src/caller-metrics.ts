import { metrics } from "@opentelemetry/api";

/** What is counted of the calls to one service. */
export interface CallerMetrics {
  /** Another attempt, and why. */
  again(reason: "unreachable" | "refused" | "unavailable" | "hedge"): void;
  /** A call or an attempt that was not made, and why. */
  heldBack(reason: "full" | "failing" | "budget"): void;
}

export function createCallerMetrics(service: string, inFlight: () => number): CallerMetrics {
  const meter = metrics.getMeter("plinth.clients");
  meter
    .createObservableUpDownCounter("plinth.client.calls.in_flight", {
      description: "Calls to a service that have not ended",
    })
    .addCallback((result) => result.observe(inFlight(), { service }));
  const again = meter.createCounter("plinth.client.attempts.repeated", {
    description: "Attempts after the first one of a call, by what led to them",
  });
  const heldBack = meter.createCounter("plinth.client.calls.held_back", {
    description:
      "Calls that were not made because too many were in flight or the service failed, and attempts that the retry budget did not allow",
  });
  return {
    again: (reason) => again.add(1, { service, reason }),
    heldBack: (reason) => heldBack.add(1, { service, reason }),
  };
}

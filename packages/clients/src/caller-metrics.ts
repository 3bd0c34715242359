import { metrics } from "@opentelemetry/api";
import type { Breaker, RetryBudget } from "@plinth/balancer";

/** What is counted of the calls to one service. */
export interface CallerMetrics {
  /** Another attempt, and why. */
  again(reason: "unreachable" | "refused" | "unavailable" | "hedge"): void;
  /** A call or an attempt that was not made, and why. "budget": a retry, "hedge": a hedge, both for want of budget. */
  heldBack(reason: "full" | "failing" | "budget" | "hedge"): void;
  /** The server said when it wants to be called again. */
  pushedBack(wish: "wait" | "never"): void;
}

export interface CallerMetricsOptions {
  service: string;
  breaker: Breaker;
  budget: RetryBudget;
}

export function createCallerMetrics({ service, breaker, budget }: CallerMetricsOptions): CallerMetrics {
  const meter = metrics.getMeter("plinth.clients");
  meter
    .createObservableUpDownCounter("plinth.client.calls.in_flight", {
      description: "Calls to a service that have not ended",
    })
    .addCallback((result) => result.observe(breaker.inFlight, { service }));
  meter
    .createObservableGauge("plinth.client.breaker.held_back_ratio", {
      description: "Share of the calls to a service that is held back because it fails: 0 when it works, 0.8 at most",
    })
    .addCallback((result) => result.observe(breaker.heldBack(), { service }));
  meter
    .createObservableGauge("plinth.client.budget.left", {
      description: "Attempts after the first one that the retry budget allows now",
    })
    .addCallback((result) => result.observe(budget.left(), { service }));
  const again = meter.createCounter("plinth.client.attempts.repeated", {
    description: "Attempts after the first one of a call, by what led to them",
  });
  const heldBack = meter.createCounter("plinth.client.calls.held_back", {
    description:
      "Calls that were not made because too many were in flight or the service failed, and attempts that the retry budget did not allow",
  });
  const pushBacks = meter.createCounter("plinth.client.push_backs", {
    description: "Failures with which a server said when it wants to be called again, or that it does not",
  });
  return {
    again: (reason) => again.add(1, { service, reason }),
    heldBack: (reason) => heldBack.add(1, { service, reason }),
    pushedBack: (wish) => pushBacks.add(1, { service, wish }),
  };
}

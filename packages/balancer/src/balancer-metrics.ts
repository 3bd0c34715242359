import { metrics } from "@opentelemetry/api";
import { cellHistogram, type HistogramCell } from "@plinth/kernel";
import type { Ejection } from "./outlier.ts";
import type { Candidate } from "./pick-endpoint.ts";

/** The instances of one service, as one process sees them. */
export interface ObservedService {
  service: string;
  /** Those that the registry knows and this process leaves to others (subsetting). */
  leftOut: number;
  members: readonly (Candidate & { connections(): { open: number; waiting: number } })[];
}

/** What is counted of the choice of instances. The only label without a fixed set of values is the name of the service called. */
export interface BalancerMetrics {
  ejected(service: string, reason: Ejection): void;
  /** An instance was chosen as if none were ejected, because too many were. */
  panicked(service: string): void;
  /** A call waited for its place on a connection. */
  waited(service: string, ms: number): void;
}

/** `observed` is asked whenever somebody reads the metrics. One for each process. */
export function createBalancerMetrics(nowMs: () => number, observed: () => Iterable<ObservedService>): BalancerMetrics {
  const meter = metrics.getMeter("plinth.balancer");
  meter
    .createObservableGauge("plinth.balancer.instances", {
      description: "Instances of a service by what becomes of them here: usable, ejected, draining, left_out",
    })
    .addCallback((result) => {
      for (const { service, leftOut, members } of observed()) {
        const counts = { usable: 0, ejected: 0, draining: 0, left_out: leftOut };
        for (const member of members) counts[stateOf(member, nowMs())]++;
        for (const [state, count] of Object.entries(counts)) result.observe(count, { service, state });
      }
    });
  meter
    .createObservableGauge("plinth.balancer.connections", {
      description: "Open HTTP/2 connections to the instances of a service",
    })
    .addCallback((result) => {
      for (const { service, members } of observed())
        result.observe(
          members.reduce((sum, member) => sum + member.connections().open, 0),
          { service },
        );
    });
  meter
    .createObservableGauge("plinth.balancer.queue.length", {
      description: "Calls that wait for a place on a connection to the instances of a service",
    })
    .addCallback((result) => {
      for (const { service, members } of observed())
        result.observe(
          members.reduce((sum, member) => sum + member.connections().waiting, 0),
          { service },
        );
    });
  const ejections = meter.createCounter("plinth.balancer.ejections", {
    description: "Instances left alone, after failures in a row or after one on probation",
  });
  const panics = meter.createCounter("plinth.balancer.panics", {
    description: "Choices that ignored ejections, because fewer than half of the instances would have been left",
  });
  const waits = cellHistogram({
    name: "plinth.balancer.queue.wait.duration",
    unit: "s",
    description: "What calls waited for a place on a connection, those that had to",
    boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
  });
  const cells = new Map<string, HistogramCell>();
  return {
    ejected: (service, reason) => ejections.add(1, { service, reason }),
    panicked: (service) => panics.add(1, { service }),
    waited(service, ms) {
      let cell = cells.get(service);
      if (cell === undefined) {
        cell = waits.cell({ service });
        cells.set(service, cell);
      }
      cell.record(ms / 1000);
    },
  };
}

function stateOf({ draining, outlier }: Candidate, nowMs: number): "draining" | "ejected" | "usable" {
  if (draining) return "draining";
  return outlier.isEjected(nowMs) ? "ejected" : "usable";
}

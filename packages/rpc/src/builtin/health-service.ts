import type { ConnectRouter } from "@connectrpc/connect";
import { Fault, type Health } from "@plinth/kernel";
import {
  Health as HealthService,
  HealthCheckResponse_ServingStatus as Status,
} from "@plinth/proto/grpc/health/v1/health";

const watchIntervalMs = 1_000;

/** Serves grpc.health.v1: the empty name and every registered service share the process's readiness. */
export function healthRoutes(router: ConnectRouter, health: Health, serviceNames: readonly string[]): void {
  const known = new Set(["", ...serviceNames]);
  const status = (): Status => (health.problems().length === 0 ? Status.SERVING : Status.NOT_SERVING);
  router.service(HealthService, {
    check({ service }) {
      if (known.has(service)) return { status: status() };
      throw new Fault({
        code: "not_found",
        reason: "SERVICE_UNKNOWN",
        message: `there is no service "${service}" here`,
      });
    },
    list: () => ({ statuses: Object.fromEntries([...known].map((name) => [name, { status: status() }])) }),
    async *watch({ service }, { signal }) {
      let last: Status | undefined;
      while (!signal.aborted) {
        const now = known.has(service) ? status() : Status.SERVICE_UNKNOWN;
        if (now !== last) yield { status: now };
        last = now;
        await new Promise((resolve) => setTimeout(resolve, watchIntervalMs));
      }
    },
  });
}

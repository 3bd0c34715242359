import { type Clock, hostPort, type Logger } from "@plinth/kernel";
import type { Instance, Registry } from "../discovery.ts";
import { keepRegistered } from "../shared/keep-registered.ts";
import { defaultLeaseMs } from "../shared/lease.ts";
import { createConsulClient } from "./consul-client.ts";

export interface ConsulRegistryOptions {
  /** URL of this machine's agent. */
  url: string;
  /** ACL token with service:write for what is registered. */
  token: string | undefined;
  /**
   * Whether the agent calls grpc.health.v1 on the instance as well: finds a process that still renews and no longer serves.
   * The agent must be able to reach it.
   */
  grpcCheck: boolean;
  logger: Logger;
  clock: Clock;
  /** Default 6 s. */
  leaseMs?: number;
}

/** Consul's least: an instance that is critical for so long is forgotten. Until then it is only not passing. */
const deregisterAfter = "1m";
const grpcCheck = { Interval: "10s", Timeout: "2s" };

/** Registers instances with this machine's agent, as services with a TTL check that each renewal passes. */
export function createConsulRegistry(options: ConsulRegistryOptions): Registry {
  const { logger, clock, leaseMs = defaultLeaseMs } = options;
  const client = createConsulClient(options);
  const stopping = new AbortController();

  async function register(instance: Instance, draining: boolean): Promise<void> {
    // Passing from the first moment: who registers is ready.
    const common = { Status: "passing", DeregisterCriticalServiceAfter: deregisterAfter };
    await client.put("agent/service/register?replace-existing-checks=true", {
      ID: instance.instanceId,
      Name: instance.service,
      Tags: ["plinth"],
      Address: instance.host,
      Port: instance.port,
      Meta: { draining: String(draining), ...(instance.zone === undefined ? {} : { zone: instance.zone }) },
      Checks: [
        { CheckID: checkId(instance), Name: "lease", TTL: `${leaseMs}ms`, ...common },
        ...(options.grpcCheck
          ? [{ Name: "grpc.health.v1", GRPC: hostPort(instance.host, instance.port), ...grpcCheck, ...common }]
          : []),
      ],
    });
  }

  return {
    name: "registry",
    async stop() {
      stopping.abort();
    },
    register(instance) {
      let registered: { draining: boolean } | undefined;
      return keepRegistered({
        async renew(draining) {
          if (registered?.draining === draining) {
            const { status } = await client.put(`agent/check/pass/${encodeURIComponent(checkId(instance))}`);
            if (status !== 404) return;
          }
          await register(instance, draining);
          registered = { draining };
        },
        async remove() {
          await client.put(`agent/service/deregister/${encodeURIComponent(instance.instanceId)}`);
        },
        ...{ instance, leaseMs, logger, clock, stopping: stopping.signal },
      });
    },
  };
}

const checkId = ({ instanceId }: Instance): string => `plinth:${instanceId}`;

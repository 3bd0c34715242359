import type { Clock, Logger, Random } from "@plinth/kernel";
import type { Endpoint, Resolver } from "../discovery.ts";
import { createFollowedServices } from "../shared/followed-services.ts";
import { keepFollowing } from "../shared/keep-following.ts";
import { defaultLeaseMs } from "../shared/lease.ts";
import { createConsulClient } from "./consul-client.ts";

export interface ConsulResolverOptions {
  /** URL of this machine's agent. */
  url: string;
  /** ACL token with service:read and node:read. */
  token: string | undefined;
  logger: Logger;
  clock: Clock;
  random: Random;
  /** The registry's lease. Default 6 s. */
  leaseMs?: number;
}

/** https://developer.hashicorp.com/consul/api-docs/health#list-service-instances-for-service, as far as it is read. */
interface HealthEntry {
  Node: { Address: string };
  Service: { ID: string; Address: string; Port: number; Meta: Record<string, string> | null };
}

const waitMs = 55_000;

/**
 * One blocking query for each service that somebody asks for, passing instances only. While the agent is away the last known
 * endpoints stay, and for one lease after it is back nobody is dropped.
 */
export function createConsulResolver(options: ConsulResolverOptions): Resolver {
  const { logger, clock, random, leaseMs = defaultLeaseMs } = options;
  const client = createConsulClient(options);
  const stopping = new AbortController();
  const queries = new Map<string, { end: AbortController; done: Promise<void> }>();
  const followed = createFollowedServices({ clock, graceMs: leaseMs, stopping: stopping.signal, opened, closed });

  function opened(service: string): void {
    const end = new AbortController();
    const signal = AbortSignal.any([end.signal, stopping.signal]);
    let index = 0n;
    const follow = async (reached: () => void): Promise<void> => {
      const path = `health/service/${encodeURIComponent(service)}?passing=true`;
      const answer = await client.get<HealthEntry[]>(path, { index, waitMs, signal });
      followed.found();
      reached();
      if (answer.index !== index || index === 0n) followed.publish(service, answer.body.map(endpointOf));
      index = nextIndex(answer.index, index);
    };
    const lost = (): void => {
      // An agent that lost its memory counts from the beginning.
      index = 0n;
      followed.lost();
    };
    const done = keepFollowing({ follow, lost, about: { service }, logger, clock, random, stopping: signal });
    queries.set(service, { end, done });
  }

  function closed(service: string): void {
    queries.get(service)?.end.abort();
    queries.delete(service);
  }

  return {
    name: "resolver",
    watch: followed.watch,
    async stop() {
      const ending = [...queries.values()].map(({ done }) => done);
      stopping.abort(new Error("stopping"));
      await Promise.all(ending);
    },
  };
}

/** https://developer.hashicorp.com/consul/api-docs/features/blocking#implementation-details: never below one, never backwards. */
function nextIndex(answered: bigint, asked: bigint): bigint {
  if (answered < asked) return 0n;
  return answered < 1n ? 1n : answered;
}

function endpointOf({ Node, Service }: HealthEntry): Endpoint {
  const { draining, zone } = Service.Meta ?? {};
  return {
    instanceId: Service.ID,
    host: Service.Address || Node.Address,
    port: Service.Port,
    draining: draining === "true",
    ...(zone === undefined ? {} : { zone }),
  };
}

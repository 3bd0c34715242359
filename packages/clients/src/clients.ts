import type { DescService } from "@bufbuild/protobuf";
import { type CallOptions, type Client, createClient } from "@connectrpc/connect";
import {
  type Breaker,
  createBalancerMetrics,
  createBreaker,
  createRetryBudget,
  type RetryBudget,
} from "@plinth/balancer";
import type { Resolver } from "@plinth/discovery";
import type { Clock, Component, Logger, Random } from "@plinth/kernel";
import type { CallContext } from "@plinth/rpc";
import { createBalancedTransport } from "./balanced-transport.ts";
import { createCaller } from "./caller.ts";
import { type CallerMetrics, createCallerMetrics } from "./caller-metrics.ts";
import { createEndpointPool, type EndpointPool } from "./endpoint-pool.ts";
import { within } from "./time-left.ts";

export interface ClientsOptions {
  resolver: Resolver;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** This process's workload token, read for every call. */
  workloadToken?: () => Promise<string | undefined>;
  /** Deadline of calls that bring none. Default 5 s. */
  defaultTimeoutMs?: number;
}

export interface ClientOptions {
  /**
   * Calls without side effects that have no answer after so long are made once more, at another instance; what answers first
   * counts. Absent: they are not. The service's p95 is a good value; the retry budget bounds them.
   */
  hedgeAfterMs?: number;
}

/** What all clients of a service in this process have in common. */
interface Shared {
  pool: EndpointPool;
  budget: RetryBudget;
  breaker: Breaker;
  metrics: CallerMetrics;
}

/** Typed clients for services by their registered name. Connections are shared by all clients of a service. */
export interface Clients extends Component {
  get<S extends DescService>(service: S, name: string, options?: ClientOptions): Client<S>;
}

export function createClients(options: ClientsOptions): Clients {
  const { clock, random, logger, workloadToken = async () => undefined, defaultTimeoutMs = 5_000 } = options;
  const caller = random.uuidv7(clock.now());
  const services = new Map<string, Shared>();
  const metrics = createBalancerMetrics(
    () => clock.monotonicMs(),
    () => Array.from(services.values(), ({ pool }) => pool.observed()),
  );

  function sharedOf(service: string): Shared {
    const known = services.get(service);
    if (known) return known;
    const { resolver } = options;
    const breaker = createBreaker({ clock, random });
    const budget = createRetryBudget(clock);
    const shared = {
      ...{ breaker, budget },
      pool: createEndpointPool({ service, caller, resolver, clock, random, logger, metrics }),
      metrics: createCallerMetrics({ service, breaker, budget }),
    };
    services.set(service, shared);
    return shared;
  }

  return {
    name: "clients",
    get(service, name, { hedgeAfterMs } = {}) {
      const call = createCaller({ service: name, ...sharedOf(name), clock, random });
      return createClient(
        service,
        createBalancedTransport({ call, clock, workloadToken, defaultTimeoutMs, hedgeAfterMs }),
      );
    },
    async stop() {
      for (const { pool } of services.values()) pool.close();
    },
  };
}

/**
 * Call options that carry a call on: the user's token, the request id, its end and its deadline. What is left of that
 * goes to the next service; a client's own deadline counts where it is shorter.
 */
export function forward(call: CallContext): CallOptions {
  const headers: Record<string, string> = { "x-request-id": call.requestId };
  if (call.accessToken !== undefined) headers["authorization"] = `Bearer ${call.accessToken}`;
  return { headers, ...within(call) };
}

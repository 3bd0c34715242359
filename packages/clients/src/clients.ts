import type { DescService } from "@bufbuild/protobuf";
import { type CallOptions, type Client, createClient } from "@connectrpc/connect";
import type { Resolver } from "@plinth/discovery";
import type { Clock, Component, Random } from "@plinth/kernel";
import type { CallContext } from "@plinth/rpc";
import { createBalancedTransport } from "./balanced-transport.ts";
import { createEndpointPool, type EndpointPool } from "./endpoint-pool.ts";
import { createRetryBudget, type RetryBudget } from "./retry-budget.ts";

export interface ClientsOptions {
  resolver: Resolver;
  clock: Clock;
  random: Random;
  /** This process's workload token, read for every call. */
  workloadToken?: () => Promise<string | undefined>;
  /** Deadline of calls that bring none. Default 5 s. */
  defaultTimeoutMs?: number;
}

/** Typed clients for services by their registered name. Connections are shared by all clients of a service. */
export interface Clients extends Component {
  get<S extends DescService>(service: S, name: string): Client<S>;
}

export function createClients(options: ClientsOptions): Clients {
  const { resolver, clock, random, workloadToken = async () => undefined, defaultTimeoutMs = 5_000 } = options;
  const pools = new Map<string, { pool: EndpointPool; budget: RetryBudget }>();
  return {
    name: "clients",
    get(service, name) {
      const shared = pools.get(name) ?? {
        pool: createEndpointPool({ service: name, resolver, clock, random }),
        budget: createRetryBudget(clock),
      };
      pools.set(name, shared);
      return createClient(
        service,
        createBalancedTransport({ service: name, ...shared, clock, workloadToken, defaultTimeoutMs }),
      );
    },
    async stop() {
      for (const { pool } of pools.values()) pool.close();
    },
  };
}

/** Call options that carry a call on: the user's token, the request id and the deadline's signal. */
export function forward(call: CallContext): CallOptions {
  const headers: Record<string, string> = { "x-request-id": call.requestId };
  if (call.accessToken !== undefined) headers["authorization"] = `Bearer ${call.accessToken}`;
  return { headers, signal: call.signal };
}

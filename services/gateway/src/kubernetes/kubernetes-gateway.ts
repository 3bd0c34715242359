import type { Component } from "@plinth/kernel";
import {
  createApiClient,
  createHttpTransport,
  createLeaseElection,
  fenceWrites,
  loadClusterConfig,
  type Term,
  type Transport,
} from "@plinth/kube";
import type { ServedTable } from "../control/describe-routes.ts";
import { RouteTable } from "../data/route-table.ts";
import { createDataPlane, type DataPlaneOptions } from "../data-plane.ts";
import type { Gateway } from "../gateway.ts";
import { authServiceOf, createClusterControl } from "./cluster-control.ts";
import type { ServiceType } from "./gateway-service.ts";
import { createLeader, type Leader } from "./leader.ts";
import { type DiscoveryMode, SliceResolver } from "./slice-resolver.ts";

export interface KubernetesGatewayOptions extends Omit<DataPlaneOptions, "authService" | "resolver"> {
  host: string;
  /** Answers the gateway's own RPCs and nothing else; Gateways have ports of their own. 0 picks a free one. */
  port: number;
  /** Value of KUBECONFIG; absent: the pod's own ServiceAccount. */
  kubeconfig: string | undefined;
  platformNamespace: string;
  serviceType: ServiceType;
  discoveryMode: DiscoveryMode;
  /** Instance or pod name. */
  identity: string;
  /** Told of what is served from now on: in the replica that leads, so that one tells it. */
  onServed?: (tables: readonly ServedTable[]) => void;
  /** Sees every call to the API server; for tests. */
  wrapTransport?: (transport: Transport) => Transport;
}

/** How long the leader may take to let go of what it has in hand. */
const handOverMs = 5_000;

/** The gateway as an implementation of the Gateway API: every replica serves, one of them writes statuses. */
export async function createKubernetesGateway(options: KubernetesGatewayOptions): Promise<Gateway> {
  const { logger, clock, random, health, platformNamespace, serviceType, host, port } = options;
  const common = { logger, clock, random };
  const cluster = await loadClusterConfig({ kubeconfig: options.kubeconfig });
  const plain = createHttpTransport({ cluster, userAgent: "plinth-gateway", clock, random });
  const transport = options.wrapTransport?.(plain) ?? plain;
  const reader = createApiClient(transport);
  let leader: Leader | undefined;

  const resolver = new SliceResolver(() => control.caches, options.discoveryMode);
  const plane = createDataPlane({ ...options, resolver, authService: authServiceOf(platformNamespace) });
  const control = createClusterControl({
    ...common,
    ...{ client: reader, plane, resolver, host, platformNamespace },
    onStale(object) {
      leader?.look(object);
      if (leader !== undefined && object === undefined) tellServed();
    },
  });
  health.add("routes", () => control.problem());

  function tellServed(): void {
    const compiled = control.compiled();
    if (compiled === undefined) return;
    options.onServed?.(compiled.ports.map(({ gateway, port, table }) => ({ at: `${gateway}:${port}`, table })));
  }

  /** Runs until the term ends; what a lost term had in hand cannot write any more. */
  async function lead(term: Term): Promise<void> {
    const client = createApiClient(fenceWrites(transport, term));
    const { caches, compiled } = control;
    const current = createLeader({ ...common, client, caches, compiled, platformNamespace, serviceType });
    leader = current;
    await current.start();
    tellServed();
    await ended(term.signal);
    leader = undefined;
    await current.stop(AbortSignal.timeout(handOverMs));
  }

  const election = createLeaseElection({
    ...common,
    client: reader,
    lease: { namespace: platformNamespace, name: "plinth-gateway" },
    identity: options.identity,
    lead,
  });
  const connection: Component = { name: "connection to the API server", stop: () => transport.close() };
  const own = plane.open({ host, port, table: () => RouteTable.empty, localLast: false });
  return {
    workers: [...plane.beforeRoutes, connection, control, ...plane.afterRoutes, election],
    server: { ...own, name: "gateway" },
    table: () => RouteTable.empty,
  };
}

const ended = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

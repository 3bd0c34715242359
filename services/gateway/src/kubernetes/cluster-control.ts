import type { Clock, Component, Logger, Random } from "@plinth/kernel";
import { type ApiClient, type KubeObject, objectKey } from "@plinth/kube";
import type { DataPlane } from "../data-plane.ts";
import { type Caches, createCaches } from "./caches.ts";
import { compileCluster } from "./compile/compile-cluster.ts";
import type { CompiledCluster } from "./compile/compiled-cluster.ts";
import { createCompilePace } from "./compile-pace.ts";
import { gatewayKeyOf, targetPortsOf } from "./gateway-service.ts";
import { OpenPorts, type WantedPort } from "./open-ports.ts";
import type { SliceResolver } from "./slice-resolver.ts";
import { tlsContexts } from "./tls-contexts.ts";

export interface ClusterControlOptions {
  client: ApiClient;
  plane: DataPlane;
  /** Told of endpoints that changed. */
  resolver: SliceResolver;
  /** Address that ports of Gateways are opened on. */
  host: string;
  platformNamespace: string;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** After each compile, and, with the object, when somebody wrote its status. */
  onStale: (object?: KubeObject) => void;
}

export interface ClusterControl extends Component {
  caches: Caches;
  compiled(): CompiledCluster | undefined;
  /** Why requests are not served yet; undefined when they are. */
  problem(): string | undefined;
}

/** Changes come in groups: a rollout, or a namespace that is applied. They are compiled together. */
const settleMs = 20;

/** From the caches to what is served: compiles after every change that matters, in every replica. */
export function createClusterControl(options: ClusterControlOptions): ClusterControl {
  const { plane, resolver, platformNamespace, clock, logger } = options;
  let compiled: CompiledCluster | undefined;
  let settling = false;
  const pace = createCompilePace(() => clock.monotonicMs());
  let isReady = false;
  const stopping = new AbortController();

  const caches = createCaches({
    ...options,
    changed: schedule,
    statusChanged: options.onStale,
    endpointsChanged: (serviceKey) => resolver.changed(serviceKey),
  });
  const ports = new OpenPorts({ host: options.host, plane, clock, logger, changed: schedule });

  function schedule(): void {
    if (settling) return;
    settling = true;
    clock.sleep(Math.max(settleMs, pace.waitMs()), stopping.signal).then(
      () => {
        settling = false;
        apply();
      },
      () => {},
    );
  }

  function apply(): void {
    const begin = clock.monotonicMs();
    const next = compileCluster({ ...caches.snapshot(), platformNamespace, openPorts: ports.states() });
    compiled = next;
    plane.setServices([...new Set(next.ports.flatMap(({ table }) => table.services))]);
    // Ports of Services may have changed their names.
    resolver.changedAll();
    const wanted = wantedPorts(next);
    ports.set(wanted);
    isReady ||= wanted.every(({ target }) => ports.states().has(target));
    const durationMs = clock.monotonicMs() - begin;
    pace.compiled(durationMs);
    logger.debug(
      { ports: next.ports.length, open: wanted.length, durationMs: Math.round(durationMs) },
      "cluster compiled",
    );
    options.onStale();
  }

  /** What is compiled and has a port of the pods, which its Service tells. */
  function wantedPorts({ ports: compiledPorts }: CompiledCluster): WantedPort[] {
    const targets = new Map(
      caches
        .snapshot()
        .services.filter(({ metadata }) => metadata.namespace === platformNamespace)
        .flatMap((service) => {
          const gateway = gatewayKeyOf(service);
          return gateway === undefined ? [] : [[gateway, targetPortsOf(service)] as const];
        }),
    );
    return compiledPorts.flatMap(({ gateway, port, table, certificates }): WantedPort[] => {
      const target = targets.get(gateway)?.get(port);
      if (target === undefined) return [];
      return [{ target, port, table, tlsContext: certificates && tlsContexts(certificates) }];
    });
  }

  return {
    name: "cluster control",
    caches,
    compiled: () => compiled,
    problem: () =>
      caches.problem() ?? (isReady ? undefined : compiled ? "ports are being opened" : "routes are not compiled yet"),
    async start() {
      await caches.start?.();
      void caches.synced.then(schedule);
    },
    async stop(signal) {
      stopping.abort();
      await caches.stop?.(signal);
      await ports.stop(signal);
    },
  };
}

/** Name of the service whose keys sign access tokens. */
export const authServiceOf = (platformNamespace: string): string =>
  `${objectKey({ namespace: platformNamespace, name: "auth" })}:80`;

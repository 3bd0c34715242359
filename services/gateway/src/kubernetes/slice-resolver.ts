import { objectKey } from "@plinth/kube";
import type { DiscoveredEndpoint, EndpointResolver } from "../data/resolver.ts";
import { parseBackendName } from "./backend-name.ts";
import type { Caches } from "./caches.ts";
import { behindName, endpointsOf } from "./endpoints.ts";

/** The part of the caches that endpoints come from. */
export type EndpointCaches = Pick<Caches, "service" | "slicesOf">;

/** PLINTH_DISCOVERY_MODE: instances are called directly, or Services by their names. */
export type DiscoveryMode = "endpoints" | "service";

interface Watched {
  serviceKey: string;
  port: number;
  /** As it was last told, to tell nobody of what did not change. */
  last: string | undefined;
  onChange: (endpoints: readonly DiscoveredEndpoint[]) => void;
}

/** Finds the endpoints of "namespace/name:port" in the caches: no watch of its own, however many services there are. */
export class SliceResolver implements EndpointResolver {
  readonly #caches: () => EndpointCaches;
  readonly #mode: DiscoveryMode;
  readonly #watched = new Map<string, Set<Watched>>();

  constructor(caches: () => EndpointCaches, mode: DiscoveryMode) {
    this.#caches = caches;
    this.#mode = mode;
  }

  watch(service: string, onChange: Watched["onChange"]): { close(): void } {
    const { port, ...ref } = parseBackendName(service);
    const watched: Watched = { serviceKey: objectKey(ref), port, last: undefined, onChange };
    const peers = this.#watched.get(watched.serviceKey) ?? new Set();
    this.#watched.set(watched.serviceKey, peers.add(watched));
    this.#tell(watched);
    return {
      close: () => {
        peers.delete(watched);
        if (peers.size === 0) this.#watched.delete(watched.serviceKey);
      },
    };
  }

  /** Endpoints of this Service ("namespace/name"), or its ports, changed. */
  changed(serviceKey: string): void {
    for (const watched of this.#watched.get(serviceKey) ?? []) this.#tell(watched);
  }

  changedAll(): void {
    for (const serviceKey of this.#watched.keys()) this.changed(serviceKey);
  }

  #tell(watched: Watched): void {
    const caches = this.#caches();
    const { serviceKey, port } = watched;
    const service = caches.service(serviceKey);
    const instances = endpointsOf(service, port, caches.slicesOf(serviceKey));
    const endpoints = this.#mode === "service" ? behindName(service, port, instances) : instances;
    const text = JSON.stringify(endpoints);
    if (text === watched.last) return;
    watched.last = text;
    watched.onChange(endpoints);
  }
}

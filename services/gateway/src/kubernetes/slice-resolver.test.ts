import { expect, it } from "vitest";
import type { DiscoveredEndpoint } from "../data/resolver.ts";
import type { Slice } from "./endpoints.ts";
import { type DiscoveryMode, SliceResolver } from "./slice-resolver.ts";
import type { Service } from "./snapshot.ts";

/** What the resolver asks of the caches. */
function startResolver(mode: DiscoveryMode = "endpoints", spec: Service["spec"] = {}) {
  let service: Service | undefined = {
    metadata: { name: "web", namespace: "shop" },
    spec: { ports: [{ port: 80 }], ...spec },
  };
  let slices: Slice[] = [];
  const resolver = new SliceResolver(() => ({ service: () => service, slicesOf: () => slices }), mode);
  const told: (readonly DiscoveredEndpoint[])[] = [];
  const watch = resolver.watch("shop/web:80", (endpoints) => told.push(endpoints));
  return {
    told,
    watch,
    set(hosts: string[], port = 3000) {
      const metadata = { name: "web-1", namespace: "shop" };
      const endpoints = hosts.map((host) => ({ addresses: [host] }));
      slices = [{ metadata, addressType: "IPv4", endpoints, ports: [{ port }] }];
      resolver.changed("shop/web");
    },
    loseService() {
      service = undefined;
      resolver.changedAll();
    },
  };
}

it("tells what is there at once, then what changes, and nothing twice", () => {
  const { told, set, loseService, watch } = startResolver();
  expect(told).toEqual([[]]);
  set(["198.18.0.2"]);
  set(["198.18.0.2"]);
  expect(told).toHaveLength(2);
  expect(told.at(-1)).toEqual([{ host: "198.18.0.2", port: 3000, draining: false }]);
  set(["198.18.0.2"], 3001);
  expect(told.at(-1)).toEqual([{ host: "198.18.0.2", port: 3001, draining: false }]);
  loseService();
  expect(told.at(-1)).toEqual([]);
  watch.close();
  set(["198.18.0.9"]);
  expect(told).toHaveLength(4);
});

it("tells a Service's name instead of its instances where a mesh balances, for as long as one serves", () => {
  const { told, set } = startResolver("service", { clusterIP: "198.18.1.1" });
  set(["198.18.0.2"]);
  set(["198.18.0.2", "198.18.0.3"]);
  set([]);
  expect(told).toEqual([[], [{ host: "web.shop.svc", port: 80, draining: false, byName: true }], []]);
});

it("tells the instances of a headless Service, which has no address that a mesh could balance behind", () => {
  const { told, set } = startResolver("service", { clusterIP: "None" });
  set(["198.18.0.2"]);
  expect(told.at(-1)).toEqual([{ host: "198.18.0.2", port: 3000, draining: false }]);
});

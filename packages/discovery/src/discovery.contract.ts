import { eventually } from "@plinth/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Endpoint, Registry, Resolver } from "./discovery.ts";

export interface DiscoveryFixture {
  leaseMs: number;
  registry(): Promise<Registry>;
  resolver(): Promise<Resolver>;
  /** Ends a registry as kill -9 would: without deregistering anything. */
  kill(registry: Registry): Promise<void>;
  /** Cuts every connection to the store once. */
  cutConnections(): Promise<void>;
  /** Makes the store forget all registrations. */
  forget(): Promise<void>;
  close(): Promise<void>;
}

/** The duties of Registry and Resolver, run against every driver that registers. */
export function discoveryContract(driver: string, open: () => Promise<DiscoveryFixture>): void {
  describe(`discovery: ${driver}`, () => {
    let fixture: DiscoveryFixture;
    let registry: Registry;
    let resolver: Resolver;

    beforeEach(async () => {
      fixture = await open();
      registry = await fixture.registry();
      resolver = await fixture.resolver();
    });

    afterEach(async () => {
      const signal = AbortSignal.timeout(10_000);
      await registry.stop?.(signal);
      await resolver.stop?.(signal);
      await fixture.close();
    });

    const instance = (id: string, service = "shop") => ({
      service,
      instanceId: id,
      host: "127.0.0.1",
      port: 8_000 + id.length,
    });

    function follow(service: string): { now: () => string[]; history: (readonly Endpoint[])[] } {
      const history: (readonly Endpoint[])[] = [];
      resolver.watch(service, (endpoints) => history.push(endpoints));
      return {
        history,
        now: () => (history.at(-1) ?? []).map((e) => `${e.instanceId}${e.draining ? " draining" : ""}`).sort(),
      };
    }

    test("instances appear with their address, drain and go", async () => {
      const shop = follow("shop");
      const a = await registry.register(instance("a"));
      await registry.register(instance("bb"));
      await registry.register(instance("other", "bakery"));
      await eventually(() => expect(shop.now()).toEqual(["a", "bb"]));
      expect(shop.history.at(-1)?.[0]).toEqual({ instanceId: "a", host: "127.0.0.1", port: 8_001, draining: false });
      await a.drain();
      await eventually(() => expect(shop.now()).toEqual(["a draining", "bb"]));
      await a.deregister();
      await eventually(() => expect(shop.now()).toEqual(["bb"]));
    });

    test("a late watcher hears at once, and a closed one hears nothing", async () => {
      const a = await registry.register(instance("a"));
      const first = follow("shop");
      await eventually(() => expect(first.now()).toEqual(["a"]));
      const second: (readonly Endpoint[])[] = [];
      const watch = resolver.watch("shop", (endpoints) => second.push(endpoints));
      expect(second).toHaveLength(1);
      watch.close();
      await a.deregister();
      await eventually(() => expect(first.now()).toEqual([]));
      expect(second).toHaveLength(1);
    });

    test("an instance stays while it lives and disappears after its death", async () => {
      const dying = await fixture.registry();
      await dying.register(instance("dead"));
      await registry.register(instance("alive"));
      const shop = follow("shop");
      await eventually(() => expect(shop.now()).toEqual(["alive", "dead"]));
      await fixture.kill(dying);
      await eventually(() => expect(shop.now()).toEqual(["alive"]), fixture.leaseMs * 5);
      expect(shop.history.every((endpoints) => endpoints.some((e) => e.instanceId === "alive"))).toBe(true);
    });

    test("cut connections drop nobody and changes are seen afterwards", async () => {
      const shop = follow("shop");
      await registry.register(instance("a"));
      await eventually(() => expect(shop.now()).toEqual(["a"]));
      await fixture.cutConnections();
      await eventually(() => registry.register(instance("bb")));
      await eventually(() => expect(shop.now()).toEqual(["a", "bb"]));
      expect(shop.history.slice(1).every((endpoints) => endpoints.length > 0)).toBe(true);
    });

    test("a forgotten instance registers again by itself", async () => {
      const shop = follow("shop");
      await registry.register(instance("a"));
      await eventually(() => expect(shop.now()).toEqual(["a"]));
      await fixture.forget();
      await eventually(() => expect(shop.history.length).toBeGreaterThan(1), fixture.leaseMs * 3);
      await eventually(() => expect(shop.now()).toEqual(["a"]), fixture.leaseMs * 3);
    });
  });
}

import { eventually } from "@plinth/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Endpoint, Registry, Resolver } from "./discovery.ts";

/** "behind": through something that `partition` closes; "direct": past it. */
export type Way = "behind" | "direct";

export interface DiscoveryFixture {
  /** `leaseMs`: of its registrations. */
  registry(way?: Way, leaseMs?: number): Promise<Registry>;
  resolver(way?: Way): Promise<Resolver>;
  /** Ends a registry as kill -9 would: without deregistering anything. */
  kill(registry: Registry): Promise<void>;
  /** Cuts every connection of who is behind, and lets none through until `heal`. */
  partition(): Promise<void>;
  heal(): Promise<void>;
  /** Makes the store forget all registrations. */
  forget(): Promise<void>;
  /** Kills the store and starts it on the same data. */
  restart?(): Promise<void>;
  close(): Promise<void>;
}

/** A process that has no turn for seconds, as on a busy machine, still renews in time. */
const leaseMs = 6_000;
/** Of who is cut off, or has to make up for a loss. */
const briefLeaseMs = 2_000;
const instancesMany = 1_000;
/** Long enough that renewals of many instances are not what is measured. */
const leaseOfManyMs = 600_000;
/** Two thousand calls take a minute and more on a busy machine. */
const manyMs = 300_000;

export interface DiscoveryContractOptions {
  /** The store serves this test alone, and fixtures have `restart`. Default: others use it, and it stays up. */
  restarts?: boolean;
}

/** The duties of Registry and Resolver, run against every driver that registers. */
export function discoveryContract(
  driver: string,
  open: (leaseMs: number) => Promise<DiscoveryFixture>,
  { restarts = false }: DiscoveryContractOptions = {},
): void {
  describe(`discovery: ${driver}`, () => {
    let fixture: DiscoveryFixture;
    let registry: Registry;
    let resolver: Resolver;
    const opened: (Registry | Resolver)[] = [];

    async function begin(ofAllMs: number): Promise<void> {
      fixture = await open(ofAllMs);
      registry = await anotherRegistry();
      resolver = await anotherResolver();
    }
    async function anotherRegistry(way?: Way, ofThisMs?: number): Promise<Registry> {
      const made = await fixture.registry(way, ofThisMs);
      opened.push(made);
      return made;
    }
    async function anotherResolver(way?: Way): Promise<Resolver> {
      const made = await fixture.resolver(way);
      opened.push(made);
      return made;
    }
    async function end(): Promise<void> {
      const signal = AbortSignal.timeout(10_000);
      for (const each of opened.splice(0)) await each.stop?.(signal);
      await fixture.close();
    }

    const instance = (id: string, service = "shop") => ({
      service,
      instanceId: id,
      host: "127.0.0.1",
      port: 8_000 + id.length,
    });

    interface Followed {
      now(): string[];
      history: (readonly Endpoint[])[];
    }
    function follow(service: string, by = resolver): Followed {
      const history: (readonly Endpoint[])[] = [];
      by.watch(service, (endpoints) => history.push(endpoints));
      return {
        history,
        now: () => (history.at(-1) ?? []).map((e) => `${e.instanceId}${e.draining ? " draining" : ""}`).sort(),
      };
    }
    /** Whoever was seen once was seen in everything that came later. */
    const neverMissed = ({ history }: Followed, id: string): void => {
      const first = history.findIndex((endpoints) => endpoints.some((e) => e.instanceId === id));
      expect(first).toBeGreaterThanOrEqual(0);
      for (const endpoints of history.slice(first)) expect(endpoints.map((e) => e.instanceId)).toContain(id);
    };

    /** By one who knows nothing from before: who follows all the time may hear of a loss and of its repair at once. */
    async function seenAnew(id: string): Promise<void> {
      const shop = follow("shop", await anotherResolver());
      await eventually(() => expect(shop.now()).toEqual([id]));
    }

    describe("with a few instances", () => {
      beforeEach(() => begin(leaseMs));
      afterEach(end);

      test("instances appear with their address, drain and go", async () => {
        const shop = follow("shop");
        const a = await registry.register(instance("a"));
        await registry.register({ ...instance("bb"), zone: "north" });
        await registry.register(instance("other", "bakery"));
        await eventually(() => expect(shop.now()).toEqual(["a", "bb"]));
        expect(shop.history.at(-1)).toEqual([
          { instanceId: "a", host: "127.0.0.1", port: 8_001, draining: false },
          { instanceId: "bb", host: "127.0.0.1", port: 8_002, draining: false, zone: "north" },
        ]);
        await a.drain();
        await eventually(() => expect(shop.now()).toEqual(["a draining", "bb"]));
        await a.deregister();
        await eventually(() => expect(shop.now()).toEqual(["bb"]));
      });

      test("a service that nobody offers has no endpoints, and its watcher hears so", async () => {
        const nobody = follow("nobody");
        await eventually(() => expect(nobody.history).toEqual([[]]));
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

      test("a service is followed anew after its last watcher left", async () => {
        const nobody = resolver.watch("shop", () => {});
        nobody.close();
        const shop = follow("shop");
        await registry.register(instance("a"));
        await eventually(() => expect(shop.now()).toEqual(["a"]));
      });

      test("an instance stays while it lives and disappears after its death", async () => {
        await registry.register(instance("alive"));
        // When its lease is over, that of the other has been renewed.
        const dying = await anotherRegistry("behind", leaseMs * 1.5);
        await dying.register(instance("dead"));
        const shop = follow("shop");
        await eventually(() => expect(shop.now()).toEqual(["alive", "dead"]));
        opened.splice(opened.indexOf(dying), 1);
        await fixture.kill(dying);
        await eventually(() => expect(shop.now()).toEqual(["alive"]));
        neverMissed(shop, "alive");
      });

      test("cut connections drop nobody and changes are seen afterwards", async () => {
        const shop = follow("shop");
        await registry.register(instance("a"));
        await eventually(() => expect(shop.now()).toEqual(["a"]));
        await fixture.partition();
        await fixture.heal();
        await eventually(() => registry.register(instance("bb")));
        await eventually(() => expect(shop.now()).toEqual(["a", "bb"]));
        neverMissed(shop, "a");
      });

      test("who cannot reach the registry goes on with what it knows, and hears of everything afterwards", async () => {
        const outside = await anotherRegistry("direct");
        const inside = await anotherRegistry("behind", briefLeaseMs);
        const here = follow("shop");
        const there = follow("shop", await anotherResolver("direct"));
        await inside.register(instance("cut-off"));
        const leaving = await outside.register(instance("leaving"));
        await eventually(() => expect(here.now()).toEqual(["cut-off", "leaving"]));
        await fixture.partition();
        // Its lease ends where nobody hears of its renewals.
        await eventually(() => expect(there.now()).toEqual(["leaving"]));
        await leaving.deregister();
        await outside.register(instance("new"));
        expect(here.now()).toEqual(["cut-off", "leaving"]);
        await fixture.heal();
        await eventually(() => expect(here.now()).toEqual(["cut-off", "new"]), leaseMs * 6);
        await eventually(() => expect(there.now()).toEqual(["cut-off", "new"]));
        neverMissed(here, "cut-off");
      });

      test("a forgotten instance registers again by itself", async () => {
        const renewing = await anotherRegistry("behind", briefLeaseMs);
        const shop = follow("shop");
        await renewing.register(instance("a"));
        await eventually(() => expect(shop.now()).toEqual(["a"]));
        await fixture.forget();
        await seenAnew("a");
        await eventually(() => expect(shop.now()).toEqual(["a"]));
      });

      test("a draining instance drains on after it was forgotten", async () => {
        const renewing = await anotherRegistry("behind", briefLeaseMs);
        const shop = follow("shop");
        const a = await renewing.register(instance("a"));
        await a.drain();
        await eventually(() => expect(shop.now()).toEqual(["a draining"]));
        await fixture.forget();
        await seenAnew("a draining");
        await eventually(() => expect(shop.now()).toEqual(["a draining"]));
      });

      if (restarts) {
        test("nobody is missed when the registry is killed and comes back", async () => {
          const shop = follow("shop");
          await registry.register(instance("a"));
          await eventually(() => expect(shop.now()).toEqual(["a"]));
          await fixture.restart?.();
          await eventually(() => registry.register(instance("bb")));
          await eventually(() => expect(shop.now()).toEqual(["a", "bb"]));
          neverMissed(shop, "a");
        });
      }
    });

    describe(`with ${instancesMany} instances`, { timeout: 2 * manyMs }, () => {
      beforeEach(() => begin(leaseOfManyMs));
      afterEach(end);

      test("all are seen, and all who leave are missed", async () => {
        const shop = follow("shop");
        const ids = Array.from({ length: instancesMany }, (_, i) => `i-${i}`);
        const registered = await inParallel(ids, (id) => registry.register(instance(id)));
        await eventually(() => expect(shop.now()).toHaveLength(instancesMany), manyMs);
        await inParallel(registered.slice(100), (each) => each.deregister());
        await eventually(() => expect(shop.now()).toEqual(ids.slice(0, 100).sort()), manyMs);
      });
    });
  });
}

const atOnce = 8;

async function inParallel<T, U>(items: readonly T[], work: (item: T) => Promise<U>): Promise<U[]> {
  const done: U[] = [];
  for (let from = 0; from < items.length; from += atOnce)
    done.push(...(await Promise.all(items.slice(from, from + atOnce).map(work))));
  return done;
}

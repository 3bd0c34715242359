import { resources } from "@plinth/kube";
import { eventually } from "@plinth/testing";
import { whyNoApiServer } from "@plinth/testing/kube";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { childResources, platformServices } from "../../src/platform-service/resources.ts";
import { runOperator } from "../test-cluster.ts";
import { disturbWatch, staleStart, watchFaults } from "./fault-transports.ts";
import { type FaultyWorld, startFaultyWorld } from "./faulty-world.ts";

const absent = whyNoApiServer();
const lagMs = 400;
const kinds = [platformServices, ...childResources].map(({ plural }) => plural);

describe.skipIf(absent)(`what the operator sees is late or incomplete${absent ? ` (skipped: ${absent})` : ""}`, () => {
  let world: FaultyWorld;
  let reference: string[];

  beforeAll(async () => {
    world = await startFaultyWorld();
    reference = await world.undisturbed();
  });
  afterAll(() => world?.stop());

  describe.each(watchFaults)("a watch %s its first event", (fault) => {
    test.each(kinds)(
      "of %s: the same end, and nothing is deleted",
      async (plural) => {
        const name = `${plural.slice(0, 20)}-${watchFaults.indexOf(fault)}`;
        const disturbed = disturbWatch(plural, name, fault, lagMs);
        const operator = await runOperator(world.cluster, { wrapTransport: disturbed.wrap });
        await world.create(name);
        await world.untilReady(name);
        // Nobody waits for every kind's event before the service is Ready.
        await eventually(() => expect(disturbed.happened()).toBe(true));
        await world.untilReady(name);
        expect(operator.writes.filter(({ method }) => method === "DELETE").map(({ path }) => path)).toEqual([]);
        expect(await world.endState(name)).toEqual(reference);
        await world.remove(name);
        await operator.stop();
      },
      240_000,
    );
  });

  describe("a restarted operator sees", () => {
    test("a state from before its own writes: every object stays the one it was, and so do the passwords", async () => {
      const past = staleStart();
      await world.create("stale");
      const first = await runOperator(world.cluster, { wrapTransport: past.record });
      await world.untilReady("stale");
      await first.stop();
      const before = await world.uids("stale");
      const secret = { namespace: "default", name: "stale-database" };
      const { data } = await world.cluster.client.get(resources.secrets, secret);

      const second = await runOperator(world.cluster, { wrapTransport: past.replay });
      await eventually(() => expect(second.writes.length, "it acts on what it sees").toBeGreaterThan(0));
      past.catchUp();
      await world.untilReady("stale");
      expect(second.writes.filter(({ method }) => method === "DELETE").map(({ path }) => path)).toEqual([]);
      expect(await world.uids("stale")).toEqual(before);
      expect(await world.endState("stale")).toEqual(reference);
      expect((await world.cluster.client.get(resources.secrets, secret)).data).toEqual(data);
      await world.remove("stale");
      await second.stop();
    });

    test("the deletion of a service that has long been made anew: the new one keeps its data", async () => {
      const past = staleStart();
      const ref = { namespace: "default", name: "reborn" };
      const maker = await runOperator(world.cluster);
      await world.create("reborn");
      await world.untilReady("reborn");
      await maker.stop();
      // Nobody lets it go yet: the finalizer holds it.
      await world.cluster.client.delete(platformServices, ref);
      const first = await runOperator(world.cluster, { wrapTransport: past.record });
      await world.gone("reborn");
      await world.collect("reborn");
      await world.create("reborn");
      await world.untilReady("reborn");
      await first.stop();
      await world.cluster.database.admin("CREATE TABLE reborn.precious AS SELECT 1 AS kept");

      const second = await runOperator(world.cluster, { wrapTransport: past.replay });
      await eventually(() => expect(past.looked("/platformservices/reborn"), "it looks before it drops").toBe(true));
      past.catchUp();
      await world.untilReady("reborn");
      expect(await world.cluster.database.admin("SELECT kept FROM reborn.precious")).toEqual([{ kept: 1 }]);
      await world.remove("reborn");
      await second.stop();
    });
  });
});

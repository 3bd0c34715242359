import { resources } from "@plinth/kube";
import { eventually } from "@plinth/testing";
import { whyNoApiServer } from "@plinth/testing/kube";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { platformServices } from "../../src/platform-service/resources.ts";
import { conditionsOf, runOperator } from "../test-cluster.ts";
import { type Crash, crashAt } from "./fault-transports.ts";
import { type FaultyWorld, startFaultyWorld } from "./faulty-world.ts";

const absent = whyNoApiServer();
/** What an undisturbed run writes at least: one write for each child and stage. */
const writesMin = 15;

describe.skipIf(absent)(`the operator's process ends${absent ? ` (skipped: ${absent})` : ""}`, () => {
  let world: FaultyWorld;
  let reference: string[];

  beforeAll(async () => {
    world = await startFaultyWorld();
    reference = await world.undisturbed();
  });
  afterAll(() => world?.stop());

  test("undisturbed, for comparison: every kind of child is there", () => {
    expect(reference).toHaveLength(13);
  });

  /** Whether the crash came before the service was Ready: how many writes that takes depends on what coalesces. */
  const crashedBeforeReady = (name: string, crash: Crash): Promise<boolean> =>
    eventually(async () => {
      if (crash.happened()) return true;
      const { status } = await world.cluster.client.get(platformServices, { namespace: "default", name });
      expect(conditionsOf(status)["Ready"]?.reason).toBe("Ready");
      return false;
    });

  test.each(["before", "after"] as const)(
    "%s any of its writes: the next one ends in the same state and deletes nothing",
    async (when) => {
      let crashes = 0;
      for (let crashed = true; crashed; ) {
        const name = `${when}-${crashes + 1}`;
        const crash = crashAt(crashes + 1, when, name);
        const first = await runOperator(world.cluster, { wrapTransport: crash.wrap });
        await world.create(name);
        crashed = await crashedBeforeReady(name, crash);
        await first.stop();
        const second = await runOperator(world.cluster);
        await world.untilReady(name);
        const writes = [...first.writes, ...second.writes].map(({ method, path }) => `${method} ${path}`);
        expect(writes.filter((write) => write.startsWith("DELETE"))).toEqual([]);
        expect(await world.endState(name), `${when} write ${crashes + 1} of ${writes.join(", ")}`).toEqual(reference);
        await world.remove(name);
        await second.stop();
        if (crashed) crashes++;
      }
      expect(crashes).toBeGreaterThanOrEqual(writesMin);
    },
    1_200_000,
  );

  test("two at once, both believing to lead: one migration, the same state", async () => {
    const operators = await Promise.all([runOperator(world.cluster), runOperator(world.cluster)]);
    await world.create("both");
    await world.untilReady("both");
    await Promise.all(operators.map((operator) => operator.stop()));
    expect(await world.endState("both")).toEqual(reference);
  });

  test("not, while the API server is away: it goes on when that is back", async () => {
    const operator = await runOperator(world.cluster);
    await world.cluster.api.stopApi();
    await world.cluster.api.startApi();
    await world.create("later");
    await world.untilReady("later");
    await operator.stop();
    expect(await world.endState("later")).toEqual(reference);
  });

  test("not, when the database is gone for good: a deleted service is let go, and an Event says what is left", async () => {
    const first = await runOperator(world.cluster);
    await world.create("orphan");
    await world.untilReady("orphan");
    await first.stop();
    const second = await runOperator(world.cluster, {
      databaseUrl: "postgres://nobody:x@127.0.0.1:1/none",
      env: { PLINTH_OPERATOR_FINALIZE_TIMEOUT: "1s" },
    });
    await world.cluster.client.delete(platformServices, { namespace: "default", name: "orphan" });
    await world.gone("orphan");
    await eventually(async () => {
      const { items } = await world.cluster.client.list(resources.events, { namespace: "default" });
      const kept = items.find(({ reason, regarding }) => reason === "DataKept" && regarding?.name === "orphan");
      expect(kept?.note).toContain('schema "orphan" and its roles are still there');
    });
    await second.stop();
    const schemas = await world.cluster.database.admin("SELECT 1 FROM pg_namespace WHERE nspname = 'orphan'");
    expect(schemas).toHaveLength(1);
  });
});

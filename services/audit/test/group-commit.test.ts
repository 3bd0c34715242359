import { Fault, silentLogger, systemClock } from "@plinth/kernel";
import { createDatabase, type Database } from "@plinth/postgres";
import { createTestDatabase, patience, type TestDatabase } from "@plinth/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createGroupCommit, type GroupCommit } from "../src/recording/group-commit.ts";

let fixture: TestDatabase;
let database: Database;
let commits: GroupCommit<string, string>;
let begun: number;
let broken: boolean;

beforeEach(async () => {
  fixture = await createTestDatabase("shop");
  await fixture.admin(`CREATE TABLE shop.item (name text PRIMARY KEY, tx xid8 DEFAULT pg_current_xact_id(), at serial);
    GRANT ALL ON shop.item, shop.item_at_seq TO ${fixture.runtimeRole}`);
  database = createDatabase({
    ...patience,
    url: fixture.url,
    applicationName: "test",
    ...{ logger: silentLogger, clock: systemClock },
  });
  begun = 0;
  broken = false;
  commits = createGroupCommit({
    database,
    sizeOf: () => 10,
    async commit(tx, names) {
      begun++;
      if (broken) throw new Fault({ code: "unavailable", reason: "TEST", message: "away" });
      for (const name of names) await tx.query("INSERT INTO item (name) VALUES ($1)", [name]);
      return [...names];
    },
  });
});
afterEach(async () => {
  await database.stop?.(AbortSignal.timeout(5_000));
  await fixture.drop();
});

const add = (name: string): Promise<string> => commits.run(name);
const items = () => database.query<{ name: string; tx: string }>("SELECT name, tx::text FROM item ORDER BY at");

test("what waits together shares a transaction, in the order in which it came", async () => {
  const names = Array.from({ length: 250 }, (_, n) => `item${n}`);
  expect(await Promise.all(names.map(add))).toEqual(names);
  const stored = await items();
  expect(stored.map(({ name }) => name)).toEqual(names);
  // The first alone, then as many as may share one.
  expect(new Set(stored.map(({ tx }) => tx)).size).toBe(4);
  expect(begun).toBe(4);
});

test("work that fails takes nothing with it and is told why; the rest is committed", async () => {
  const outcomes = await Promise.allSettled(["a", "b", "c", "b", "d"].map(add));
  expect(outcomes.map(({ status }) => status)).toEqual([
    "fulfilled",
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  expect((await items()).map(({ name }) => name)).toEqual(["a", "b", "c", "d"]);
  expect(await add("e")).toBe("e");
});

test("a database that is away is told to all who wait, and nobody waits for ever", async () => {
  broken = true;
  const outcomes = await Promise.allSettled(["a", "b", "c"].map(add));
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  broken = false;
  expect(await add("d")).toBe("d");
});

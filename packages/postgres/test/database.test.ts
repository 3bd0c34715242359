import { faultOf, isFault, silentLogger, systemClock } from "@plinth/kernel";
import { createTestDatabase, eventually, type TestDatabase } from "@plinth/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase, type Database, violatedConstraint } from "../src/index.ts";

let fixture: TestDatabase;
let database: Database;

beforeAll(async () => {
  fixture = await createTestDatabase("bank");
  const common = { applicationName: "test", logger: silentLogger, clock: systemClock };
  database = createDatabase({ ...common, url: fixture.ddlUrl, connectTimeoutMs: 60_000, statementTimeoutMs: 60_000 });
  await database.query("CREATE TABLE account (id integer PRIMARY KEY, amount integer NOT NULL)");
  await database.query("INSERT INTO account VALUES (1, 100), (2, 100)");
});

afterAll(async () => {
  await database.stop?.(AbortSignal.timeout(5_000));
  await fixture.drop();
});

describe("transaction", () => {
  test("a deadlock victim is run again and both transfers happen", async () => {
    const transfer = (from: number, to: number, meet: () => Promise<void>) =>
      database.transaction(async (tx) => {
        await tx.query("UPDATE account SET amount = amount - 1 WHERE id = $1", [from]);
        await meet();
        await tx.query("UPDATE account SET amount = amount + 1 WHERE id = $1", [to]);
      });
    let arrived = 0;
    let open: () => void = () => {};
    const both = new Promise<void>((resolve) => {
      open = resolve;
    });
    const meet = async () => {
      if (++arrived === 2) open();
      await both;
    };
    await Promise.all([transfer(1, 2, meet), transfer(2, 1, meet)]);
    expect(arrived).toBe(3);
    expect(await database.query("SELECT amount FROM account ORDER BY id")).toEqual([{ amount: 100 }, { amount: 100 }]);
  });

  test("what throws leaves no trace", async () => {
    await expect(
      database.transaction(async (tx) => {
        await tx.query("UPDATE account SET amount = 0");
        throw new Error("changed my mind");
      }),
    ).rejects.toThrow("changed my mind");
    expect(await database.query("SELECT sum(amount)::int AS sum FROM account")).toEqual([{ sum: 200 }]);
  });

  test("a unique violation names its constraint", async () => {
    const failure = await database.query("INSERT INTO account VALUES (1, 1)").catch((err: unknown) => err);
    expect(violatedConstraint(failure)).toBe("account_pkey");
  });
});

test("text that cannot be stored is the caller's mistake", async () => {
  for (const attempt of [
    database.query("SELECT $1::text", ["a\u0000b"]),
    database.query("SELECT $1::jsonb", ['"\\u0000"']),
  ]) {
    expect(await attempt.catch((err: unknown) => err)).toMatchObject({
      code: "invalid_argument",
      reason: "TEXT_NOT_STORABLE",
    });
  }
});

test("a server that stops answering is given up, and used again when it answers", async () => {
  const impatient = createDatabase({
    url: fixture.url,
    applicationName: "test",
    logger: silentLogger,
    clock: systemClock,
    statementTimeoutMs: 0,
  });
  const slow = impatient.query("SELECT pg_sleep(30)").catch((err: unknown) => err);
  expect(await slow).toMatchObject({ code: "unavailable", reason: "DATABASE_UNAVAILABLE" });
  const inTransaction = impatient.transaction((tx) => tx.query("SELECT pg_sleep(30)")).catch((err: unknown) => err);
  expect(await inTransaction).toMatchObject({ code: "unavailable", reason: "DATABASE_UNAVAILABLE" });
  // It has a second for this as well.
  expect(await eventually(() => impatient.query("SELECT 1 AS one"))).toEqual([{ one: 1 }]);
  await impatient.stop?.(AbortSignal.timeout(5_000));
});

describe("a database that is away", () => {
  test("surfaces as unavailable with a retry hint", async () => {
    const away = createDatabase({
      url: "postgres://nobody:x@127.0.0.1:1/none",
      applicationName: "test",
      logger: silentLogger,
      clock: systemClock,
    });
    const attempts = [
      away.query("SELECT 1"),
      away.transaction((tx) => tx.query("SELECT 1")),
      away.drizzle.execute("SELECT 1"),
    ];
    for (const attempt of attempts) {
      const fault = await Promise.resolve(attempt).catch(faultOf);
      expect(isFault(fault) && [fault.code, fault.reason, fault.retryAfterMs]).toEqual([
        "unavailable",
        "DATABASE_UNAVAILABLE",
        1_000,
      ]);
    }
    await away.stop?.(AbortSignal.timeout(1_000));
  });

  test("a terminated connection is replaced by itself", async () => {
    await database.query("SELECT 1");
    await fixture.admin(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> 'postgres' AND datname = current_database()",
    );
    // There are several, and the server ends them in its own time: each may still take a query along.
    expect(await eventually(() => database.query("SELECT 1 AS one"))).toEqual([{ one: 1 }]);
  });
});

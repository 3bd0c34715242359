import { createHealth, silentLogger, systemClock } from "@plinth/kernel";
import { createTestDatabase, eventually, startTcpProxy } from "@plinth/testing";
import { expect, onTestFinished, test } from "vitest";
import { createDatabase } from "../src/index.ts";

async function databaseBehindGate() {
  const fixture = await createTestDatabase("late");
  const behind = new URL(fixture.ddlUrl);
  const way = await startTcpProxy(behind.host);
  way.block();
  onTestFinished(() => way.close());
  behind.host = `127.0.0.1:${way.port}`;
  const health = createHealth();
  const options = { applicationName: "test", logger: silentLogger, clock: systemClock, health };
  const database = createDatabase({ ...options, url: behind.href });
  onTestFinished(() => fixture.drop());
  return { database, way, fixture, options };
}

test("a server that answers later is waited for", async () => {
  const { database, way } = await databaseBehindGate();
  const started = database.start?.();
  await eventually(() => expect(way.accepted).toBeGreaterThan(1));
  way.heal();
  await started;
  expect(await database.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await database.stop?.(AbortSignal.timeout(5_000));
});

test("stopping ends the wait", async () => {
  const { database, way } = await databaseBehindGate();
  const started = database.start?.();
  await eventually(() => expect(way.accepted).toBeGreaterThan(0));
  await database.stop?.(AbortSignal.timeout(5_000));
  await expect(started).rejects.toThrow("cannot be used");
});

test("a server that refuses is not waited for", async () => {
  const { fixture, options } = await databaseBehindGate();
  const wrong = new URL(fixture.ddlUrl);
  wrong.password = "wrong";
  const database = createDatabase({ ...options, url: wrong.href });
  onTestFinished(() => database.stop?.(AbortSignal.timeout(5_000)));
  await expect(database.start?.()).rejects.toThrow(/cannot be used: .*password/);
});

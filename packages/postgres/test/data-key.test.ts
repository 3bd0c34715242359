import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { createTestDatabase, patience, type TestDatabase } from "@plinth/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDatabase, createDataKey, type Database, type DataKeyOptions } from "../src/index.ts";

const setting = "THE_SETTING";
const [first, second, third] = [randomBytes(32), randomBytes(32), randomBytes(32)];

let testDatabase: TestDatabase;
let database: Database;
beforeEach(async () => {
  testDatabase = await createTestDatabase("data_key");
  database = createDatabase({
    ...patience,
    url: testDatabase.ddlUrl,
    applicationName: "test",
    logger: silentLogger,
    clock: systemClock,
  });
  const folder = path.join(import.meta.dirname, "../../../services/auth/migrations");
  await database.query(await readFile(path.join(folder, "0002_data_key.sql"), "utf8"));
});
afterEach(async () => {
  await database.stop?.(AbortSignal.timeout(1_000));
  await testDatabase.drop();
});

/** What an instance with these settings works with. */
async function start(current: Buffer, previous?: Buffer, earlier: DataKeyOptions["earlier"] = async () => undefined) {
  const key = createDataKey({
    ...{ database, random: systemRandom, logger: silentLogger, setting, current, previous, earlier },
  });
  await key.start?.();
  return key.key();
}

const names = async (): Promise<number> => (await database.query("SELECT sealed_with FROM data_key")).length;

test("the first start makes a key of its own, and later ones find it", async () => {
  const key = await start(first);
  expect(key).toHaveLength(32);
  expect(key.equals(first)).toBe(false);
  expect(await start(first)).toEqual(key);
  const [row] = await database.query<{ sealed: Buffer }>("SELECT sealed FROM data_key");
  expect(row?.sealed.includes(key)).toBe(false);
});

test("instances that start together agree on one key", async () => {
  const keys = await Promise.all(Array.from({ length: 4 }, () => start(first)));
  for (const key of keys) expect(key).toEqual(keys[0]);
});

test("the key encryption key is replaced in two steps, of which the second forgets the old one", async () => {
  const key = await start(first);
  expect(await start(second, first)).toEqual(key);
  expect(await names()).toBe(2);
  expect(await start(second, first)).toEqual(key);
  expect(await start(second)).toEqual(key);
  expect(await names()).toBe(1);
  await expect(start(first)).rejects.toThrow(`${setting} is not the key`);
});

test("an old instance that starts amid the replacement makes it no harder to end", async () => {
  const key = await start(first);
  await start(second, first);
  expect(await start(first)).toEqual(key);
  expect(await start(second, first)).toEqual(key);
  expect(await start(second)).toEqual(key);
});

test("another key is refused, with what to do, and changes nothing", async () => {
  const key = await start(first);
  await expect(start(second)).rejects.toThrow(
    `${setting} is not the key that this database was encrypted with: bring that one back, or give it as ${setting}_PREVIOUS beside the new one`,
  );
  await expect(start(second, third)).rejects.toThrow(`${setting} is not the key`);
  expect(await start(first)).toEqual(key);
});

test("what earlier releases encrypted with the setting itself stays readable, under a new setting too", async () => {
  const earlier = async () => (candidate: Buffer) => {
    if (!candidate.equals(first)) throw new Error("it was encrypted with another key");
  };
  await expect(start(second, undefined, earlier)).rejects.toThrow(`${setting} is not the key`);
  expect(await start(second, first, earlier)).toEqual(first);
  expect(await start(second)).toEqual(first);
});

test("before the start there is no key to work with", () => {
  const options = {
    database,
    random: systemRandom,
    logger: silentLogger,
    setting,
    current: first,
    previous: undefined,
  };
  const key = createDataKey({ ...options, earlier: async () => undefined });
  expect(() => key.key()).toThrow("when the service starts");
});

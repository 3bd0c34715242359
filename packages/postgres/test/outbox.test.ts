import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger, systemClock } from "@plinth/kernel";
import { createTestDatabase, eventually, type TestDatabase } from "@plinth/testing";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { migrate } from "../src/index.ts";
import { newGaps, stillOpen, withoutFilled } from "../src/outbox-gaps.ts";
import { type OutboxReader, openOutbox } from "../src/outbox-reader.ts";

let fixture: TestDatabase;
let folder: string;
const clients: pg.Client[] = [];

beforeEach(async () => {
  fixture = await createTestDatabase("shop");
  folder = await mkdtemp(path.join(tmpdir(), "plinth-outbox-"));
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.end();
  await fixture.drop();
  await rm(folder, { recursive: true, force: true });
});

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: fixture.url });
  await client.connect();
  clients.push(client);
  return client;
}

const migrateWith = (platformDirectory?: string) =>
  migrate({
    url: fixture.ddlUrl,
    schema: "shop",
    runtimeRole: fixture.runtimeRole,
    directory: folder,
    logger: silentLogger,
    clock: systemClock,
    ...(platformDirectory ? { platformDirectory } : {}),
  });

const insert = (client: pg.Client, subject: string, bytes = 1) =>
  client.query(
    `INSERT INTO outbox (id, topic, key, type, subject, data, actor, request_id)
     VALUES (gen_random_uuid(), 't', 'k', 'x', $1, $2, 'anonymous', '')`,
    [subject, Buffer.alloc(bytes)],
  );

async function drain(outbox: OutboxReader): Promise<string[]> {
  const seen: string[] = [];
  for (let rows = await outbox.read(); rows.length > 0; rows = await outbox.read()) {
    seen.push(...rows.map(({ subject }) => subject));
    await outbox.published();
  }
  return seen;
}

const rowsPerSlot = async () =>
  (await fixture.admin("SELECT slot, count(*)::int AS n FROM shop.outbox GROUP BY slot ORDER BY slot")).map(
    ({ slot, n }) => [slot, n],
  );

describe("outbox", () => {
  test("hands out rows in order, the same ones until they are published", async () => {
    await migrateWith();
    const writer = await connect();
    for (const subject of ["a", "b"]) await insert(writer, subject);
    const outbox = await openOutbox(await connect());
    expect((await outbox.read()).map(({ subject }) => subject)).toEqual(["a", "b"]);
    expect((await outbox.read()).map(({ subject }) => subject)).toEqual(["a", "b"]);
    await outbox.published();
    expect(await outbox.read()).toEqual([]);
    await insert(writer, "c");
    expect(await drain(outbox)).toEqual(["c"]);
    // Whoever leads next goes on where this one was.
    expect(await drain(await openOutbox(await connect()))).toEqual([]);
  });

  test("finds rows of a transaction that ends after later ones, also when another relay leads by then", async () => {
    await migrateWith();
    const [slow, quick] = [await connect(), await connect()];
    const outbox = await openOutbox(await connect());
    await slow.query("BEGIN");
    await insert(slow, "slow 1");
    await insert(quick, "quick 1");
    await insert(slow, "slow 2");
    await insert(quick, "quick 2");
    expect(await drain(outbox)).toEqual(["quick 1", "quick 2"]);
    expect(await drain(outbox)).toEqual([]);
    for (const subject of ["quick 3", "quick 4"]) {
      await insert(quick, subject);
      expect(await drain(outbox)).toEqual([subject]);
    }
    const next = await openOutbox(await connect());
    await slow.query("COMMIT");
    expect(await drain(next)).toEqual(["slow 1", "slow 2"]);
    expect((await fixture.admin("SELECT gap_starts FROM shop.outbox_cursor"))[0]?.["gap_starts"]).toEqual([]);
  });

  test("a late row and one that follows it between two statements come in order", async () => {
    await migrateWith();
    const [slow, quick, relay] = [await connect(), await connect(), await connect()];
    const outbox = await openOutbox(relay);
    await slow.query("BEGIN");
    await insert(slow, "first");
    await insert(quick, "other");
    expect(await drain(outbox)).toEqual(["other"]);
    const query = relay.query.bind(relay) as (...args: unknown[]) => Promise<unknown>;
    let between = async () => {
      await slow.query("COMMIT");
      await insert(quick, "second");
    };
    // After the first look at the rows, and before whatever the reader asks next.
    relay.query = (async (...args: unknown[]) => {
      const result = await query(...args);
      if (JSON.stringify(args).includes("FROM outbox") || JSON.stringify(args).includes("JOIN outbox")) {
        const once = between;
        between = async () => {};
        await once();
      }
      return result;
    }) as typeof relay.query;
    expect([...(await drain(outbox)), ...(await drain(outbox))]).toEqual(["first", "second"]);
  });

  test("numbers rows without gaps as it hands them out, whatever their positions", async () => {
    await migrateWith();
    const [undone, writer] = [await connect(), await connect()];
    await undone.query("BEGIN");
    await insert(undone, "never");
    for (const subject of ["a", "b"]) await insert(writer, subject);
    await undone.query("ROLLBACK");
    const outbox = await openOutbox(await connect());
    const numbers = async () => (await outbox.read()).map(({ subject, sequence }) => [subject, sequence]);
    const first = [
      ["a", 1n],
      ["b", 2n],
    ];
    expect(await numbers()).toEqual(first);
    await insert(writer, "c");
    expect(await numbers()).toEqual(first);
    await outbox.published();
    expect(await numbers()).toEqual([["c", 3n]]);
  });

  test("a relay that died between publishing and noting it is followed by the same rows under the same numbers", async () => {
    await migrateWith();
    const [slow, writer] = [await connect(), await connect()];
    await slow.query("BEGIN");
    await insert(slow, "slow");
    for (const subject of ["a", "b"]) await insert(writer, subject);
    const numbers = (rows: { subject: string; sequence: bigint }[]) =>
      rows.map(({ subject, sequence }) => [subject, sequence]);
    const published = numbers(await (await openOutbox(await connect())).read());
    expect(published).toEqual([
      ["a", 1n],
      ["b", 2n],
    ]);
    // What can be seen has changed: "slow" has the first position of all.
    await slow.query("COMMIT");
    await insert(writer, "c");
    const next = await openOutbox(await connect());
    expect(numbers(await next.read())).toEqual(published);
    await next.published();
    expect(numbers(await next.read())).toEqual([
      ["slow", 3n],
      ["c", 4n],
    ]);
    await next.published();
    expect(await next.read()).toEqual([]);
    expect((await fixture.admin("SELECT high, gap_starts, claimed FROM shop.outbox_cursor"))[0]).toEqual({
      ...{ high: "4", gap_starts: [], claimed: [] },
    });
  });

  test("rows that a relay of the release before published and truncated do not stop the numbers", async () => {
    await migrateWith();
    const writer = await connect();
    for (const subject of ["a", "b"]) await insert(writer, subject);
    await (await openOutbox(await connect())).read();
    // It knows nothing of numbers.
    await fixture.admin("UPDATE shop.outbox_cursor SET high = 2; DELETE FROM shop.outbox WHERE subject = 'a'");
    const outbox = await openOutbox(await connect());
    expect((await outbox.read()).map(({ subject, sequence }) => [subject, sequence])).toEqual([["b", 2n]]);
    await outbox.published();
    await insert(writer, "c");
    expect((await outbox.read()).map(({ subject, sequence }) => [subject, sequence])).toEqual([["c", 3n]]);
  });

  test("forgets positions that were rolled back, and stops looking for them", async () => {
    await migrateWith();
    const [undone, writer] = [await connect(), await connect()];
    const outbox = await openOutbox(await connect());
    await undone.query("BEGIN");
    await insert(undone, "never");
    await insert(writer, "a");
    expect(await drain(outbox)).toEqual(["a"]);
    await undone.query("ROLLBACK");
    await insert(writer, "b");
    expect(await drain(outbox)).toEqual(["b"]);
    expect((await fixture.admin("SELECT gap_starts, high FROM shop.outbox_cursor"))[0]).toEqual({
      gap_starts: [],
      high: "3",
    });
  });

  test("truncates slots of which everything is published, and no others", async () => {
    await migrateWith();
    const [writer, open] = [await connect(), await connect()];
    const outbox = await openOutbox(await connect());
    const due = () => fixture.admin("UPDATE shop.outbox_cursor SET rotated_at = now() - interval '1 day'");
    await insert(writer, "a");
    await drain(outbox);
    await open.query("BEGIN");
    await insert(open, "late");
    await insert(writer, "b");
    await drain(outbox);
    await due();
    // The transaction that is open holds the slot.
    await outbox.tidy();
    expect(await rowsPerSlot()).toEqual([[0, 2]]);
    await open.query("COMMIT");
    await insert(writer, "c");
    expect(await rowsPerSlot()).toEqual([
      [0, 3],
      [1, 1],
    ]);
    expect(await outbox.read()).toHaveLength(2);
    await due();
    // "late" is in slot 0 and waits; slot 1 waits as well.
    await outbox.tidy();
    expect(await rowsPerSlot()).toEqual([
      [0, 3],
      [1, 1],
    ]);
    expect(await drain(outbox)).toEqual(["late", "c"]);
    await insert(writer, "d");
    await drain(outbox);
    await due();
    await outbox.tidy();
    expect(await rowsPerSlot()).toEqual([]);
    await insert(writer, "e");
    expect(await drain(outbox)).toEqual(["e"]);
  });

  test("a batch ends at its size, and the rest follows", async () => {
    await migrateWith();
    const writer = await connect();
    for (const subject of ["a", "b", "c"]) await insert(writer, subject, 700_000);
    const outbox = await openOutbox(await connect());
    expect((await outbox.read()).map(({ subject }) => subject)).toEqual(["a"]);
    await outbox.published();
    expect(await drain(outbox)).toEqual(["b", "c"]);
  });

  test("tells how much waits and for how long", async () => {
    await migrateWith();
    const writer = await connect();
    const outbox = await openOutbox(await connect());
    expect(await outbox.backlog()).toEqual({ waiting: 0, oldestMs: undefined });
    await insert(writer, "a");
    await insert(writer, "b");
    const before = (await outbox.backlog()).oldestMs ?? 0;
    await eventually(async () => expect((await outbox.backlog()).oldestMs).toBeGreaterThan(before));
    expect((await outbox.backlog()).waiting).toBe(2);
    await drain(outbox);
    expect(await outbox.backlog()).toEqual({ waiting: 0, oldestMs: undefined });
  });

  test("an installation of the release before keeps what waits, and its processes may go on", async () => {
    const before = await mkdtemp(path.join(tmpdir(), "plinth-before-"));
    const platform = path.join(import.meta.dirname, "../migrations");
    for (const name of (await readdir(platform)).filter((file) => file.startsWith("0001"))) {
      await writeFile(path.join(before, name), await readFile(path.join(platform, name)));
    }
    await migrateWith(before);
    const old = await connect();
    for (const subject of ["a", "b", "c"]) await insert(old, subject);
    await old.query("DELETE FROM outbox WHERE subject = 'a'");
    await migrateWith();
    await insert(old, "d");
    // As the relay before did.
    const { rows } = await old.query("SELECT position, subject FROM outbox ORDER BY position LIMIT 1");
    expect(rows).toEqual([{ position: "2", subject: "b" }]);
    await old.query("DELETE FROM outbox WHERE position = ANY($1::bigint[])", [["2"]]);
    expect(await drain(await openOutbox(await connect()))).toEqual(["c", "d"]);
    await rm(before, { recursive: true });
  });
});

describe("gaps", () => {
  const [one, two] = [new Set(["1/1"]), new Set(["2/2"])];

  test("are what a read skips", () => {
    expect(newGaps(10, [11, 14, 15, 17], one)).toEqual([
      { start: 12, end: 13, writers: one },
      { start: 16, end: 16, writers: one },
    ]);
    expect(newGaps(10, [], one)).toEqual([]);
  });

  test("shrink and split as they are filled", () => {
    const gap = { start: 5, end: 9, writers: one };
    expect(withoutFilled([gap], new Set([5]))).toEqual([{ ...gap, start: 6 }]);
    expect(withoutFilled([gap], new Set([7, 9]))).toEqual([
      { ...gap, start: 5, end: 6 },
      { ...gap, start: 8, end: 8 },
    ]);
    expect(withoutFilled([gap], new Set([5, 6, 7, 8, 9]))).toEqual([]);
    expect(withoutFilled([gap], new Set([4, 10]))).toEqual([gap]);
  });

  test("stay open while one of their writers writes", () => {
    const gaps = [
      { start: 1, end: 1, writers: one },
      { start: 3, end: 3, writers: two },
      { start: 5, end: 5, writers: new Set<string>() },
    ];
    expect(stillOpen(gaps, new Set(["2/2", "9/9"]))).toEqual([gaps[1]]);
  });
});

import { beforeAll, describe, expect, test } from "vitest";
import type { EntryFilter } from "../src/domain/entry.ts";
import { logParts, newEntry } from "./log-parts.ts";

let parts: Awaited<ReturnType<typeof logParts>>;
const total = 13_000;
const start = Date.UTC(2026, 10, 1);
const at = (seconds: number) => new Date(start + seconds * 1000);

/** A second apart; from 9,000 on each 97th tells of something that happened at quite another time. */
beforeAll(async () => {
  parts = await logParts();
  await parts.recorder.record(newEntry({ time: at(1), resource: "" }));
  await parts.testDatabase.admin(
    `INSERT INTO audit.sealed_entry SELECT n, gen_random_uuid(),
       timestamptz '2026-11-01T00:00:00Z' + (CASE WHEN n > 9000 AND n % 97 = 0 THEN n * 7919 % ${total} ELSE n END) * interval '1 second',
       record_time, CASE WHEN n % 10 = 0 THEN 'rare' ELSE 'often' END, action, outcome, request_id, trace_id,
       who_key, who_sealed, who_commitment, what_key, what_sealed, what_commitment, 0, actor_tag, NULL
     FROM audit.sealed_entry, generate_series(2, ${total}) AS n WHERE sequence = 1;
     UPDATE audit.head SET sequence = ${total}`,
  );
});

async function expected(filter: EntryFilter): Promise<number[]> {
  const { startTime, endTime, source } = filter;
  const rows = await parts.testDatabase.admin(
    `SELECT sequence FROM audit.sealed_entry
     WHERE ${startTime ? `time >= '${startTime.toISOString()}'` : "true"} AND ${endTime ? `time < '${endTime.toISOString()}'` : "true"}
       AND ${source ? `source = '${source}'` : "true"} ORDER BY sequence`,
  );
  return rows.map(({ sequence }) => Number(sequence));
}

async function listed(filter: EntryFilter, limit: number): Promise<number[]> {
  const all: number[] = [];
  for (let before: bigint | undefined; ; ) {
    const page = await parts.entries.list(filter, { before, limit });
    all.push(...page.map(({ sequence }) => Number(sequence)));
    if (page.length < limit) return all;
    before = page.at(-1)?.sequence;
  }
}

async function scanned(filter: EntryFilter, { after, until }: { after: bigint; until: bigint }): Promise<number[]> {
  const all: number[] = [];
  for (let last = after; ; ) {
    const page = await parts.entries.scan(filter, { after: last, until, limit: 250 });
    all.push(...page.map(({ row }) => Number(row.sequence)));
    if (page.length === 0) return all;
    last = page.at(-1)?.row.sequence ?? until;
  }
}

const windows: Record<string, EntryFilter> = {
  "a part of a block": { startTime: at(5_000), endTime: at(5_100) },
  "parts of several blocks": { startTime: at(4_000), endTime: at(8_500) },
  "one source in them": { startTime: at(4_000), endTime: at(8_500), source: "rare" },
  "all before": { endTime: at(300) },
  "all from": { startTime: at(12_900) },
  nothing: { startTime: at(9_000), endTime: at(9_000) },
};

describe.each(Object.entries(windows))("a window of time: %s", (_, filter) => {
  test("is listed whole, newest first, page by page", async () => {
    const entries = await expected(filter);
    expect(await listed(filter, 51)).toEqual(entries.toReversed());
  });

  test("is read whole, oldest first, within bounds", async () => {
    const bounds = { after: 4_500n, until: 12_500n };
    const entries = (await expected(filter)).filter((sequence) => sequence > 4_500 && sequence <= 12_500);
    expect(await scanned(filter, bounds)).toEqual(entries);
  });
});

test("what is recorded meanwhile moves no page", async () => {
  const filter = windows["parts of several blocks"] as EntryFilter;
  const first = await parts.entries.list(filter, { before: undefined, limit: 50 });
  const late = await parts.recorder.record(newEntry({ time: at(6_000) }));
  const second = await parts.entries.list(filter, { before: first.at(-1)?.sequence, limit: 50 });
  const again = await parts.entries.list(filter, { before: undefined, limit: 101 });
  expect(again.map(({ sequence }) => sequence)).toEqual([late, ...first, ...second].map(({ sequence }) => sequence));
});

test("is looked for in no block that it does not touch", async () => {
  const { admin } = parts.testDatabase;
  const filter = { startTime: at(5_000), endTime: at(5_100) };
  expect((await listed(filter, 500)).length).toBeGreaterThan(90);
  // As if nothing of the block had happened in that time.
  await admin(
    "UPDATE audit.entry_block SET first_time = now() + interval '1 year', last_time = first_time WHERE block = 1",
  );
  expect((await listed(filter, 500)).filter((sequence) => sequence > 4_096 && sequence <= 8_192)).toEqual([]);
});

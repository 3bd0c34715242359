import type { BusMessage } from "@plinth/bus";
import { silentLogger, systemClock } from "@plinth/kernel";
import { AuditService, Outcome } from "@plinth/proto/plinth/audit/v1/audit";
import { Numbering } from "@plinth/proto/plinth/audit/v1/log";
import { eventually } from "@plinth/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Arrival, receive } from "../src/domain/numbering.ts";
import { createNumberCheck } from "../src/log/number-check.ts";
import { listGaps, listReuses } from "../src/store/source-gaps.ts";
import { logClient, newId, publish, service, useAuditService, wholeCheckpoint } from "./audit-fixture.ts";
import { logParts, newEntry } from "./log-parts.ts";

useAuditService({ PLINTH_TELEMETRY: "on" });

const gapsOf = async (source: string) =>
  (await (await logClient()).listGaps({ source })).gaps.map(({ first, last }) => [Number(first), Number(last)]);
const numbersOf = (gaps: readonly { first: bigint; last: bigint }[]) =>
  gaps.flatMap(({ first, last }) => Array.from({ length: Number(last - first) + 1 }, (_, at) => Number(first) + at));
/** Every entry of the log is checked. */
const checked = () =>
  eventually(async () => {
    const [row] = await service.database.admin(
      "SELECT head.sequence = number_check.sequence AS all FROM audit.head, audit.number_check",
    );
    expect(row?.["all"]).toBe(true);
  });

describe("a source that numbers its records", () => {
  test("is told which did not arrive, until they do", async () => {
    const reporter = await service.client(AuditService, { workload: "billing" });
    const send = (sourceSequence: bigint, id = newId()) =>
      reporter.recordEntry({ id, action: "a.b", actor: "anonymous", outcome: Outcome.SUCCESS, sourceSequence });
    const other = await service.client(AuditService, { workload: "notes" });
    await other.recordEntry({ id: newId(), action: "a.b", actor: "anonymous", outcome: Outcome.SUCCESS });
    const first = await send(1n);
    expect(first.sourceSequence).toBe(1n);
    await send(2n);
    await checked();
    expect(await gapsOf("billing")).toEqual([]);
    await send(9n);
    await checked();
    expect(await gapsOf("billing")).toEqual([[3, 8]]);
    await send(5n);
    await checked();
    expect(await gapsOf("billing")).toEqual([
      [3, 4],
      [6, 8],
    ]);
    const id = newId();
    for (const number of [3n, 4n, 6n, 8n]) await send(number);
    await send(7n, id);
    await send(7n, id);
    await checked();
    expect(await gapsOf("")).toEqual([]);
    expect((await (await logClient()).listGaps({})).reuses).toEqual([]);
    const { leaf } = await wholeCheckpoint().then(async () => (await logClient()).getEntryProof({ id }));
    expect(JSON.parse(Buffer.from(leaf).toString())).toMatchObject({ source: "billing", source_sequence: 7 });
  });
});

describe("events with their relay's numbers", () => {
  const event = (source: string, sequence: number, more: Partial<BusMessage> = {}): Partial<BusMessage> => ({
    ...{ source, topic: `${source}.thing.v1`, key: `k${sequence}`, sequence: BigInt(sequence) },
    ...more,
  });
  /** As if five minutes had gone by. */
  const settle = () => service.database.admin("UPDATE audit.number_gap SET found_time = found_time - interval '6 min'");
  const arrived = async (source: string, count: number) => {
    await eventually(async () => {
      const rows = await service.database.admin(`SELECT FROM audit.sealed_entry WHERE source = '${source}'`);
      expect(rows).toHaveLength(count);
    });
    await checked();
  };

  test("are kept in the leaf and held to them: a gap is told when it has stayed, and heals", async () => {
    await publish([1, 2, 5, 4].map((number) => event("shop", number)));
    await arrived("shop", 4);
    // It may be on its way.
    expect(await gapsOf("shop")).toEqual([]);
    await settle();
    const { gaps } = await (await logClient()).listGaps({ source: "shop" });
    expect(gaps).toMatchObject([{ source: "shop", numbering: Numbering.EVENTS, first: 3n, last: 3n }]);
    const metrics = async () => (await fetch(`${service.adminUrl}/metrics`)).text();
    expect(await metrics()).toMatch(/^plinth_audit_missing_numbers\{.*numbering="events".*\} 1$/m);
    await publish([event("shop", 3)]);
    await arrived("shop", 5);
    expect(await gapsOf("shop")).toEqual([]);
  });

  test("do not mix with the numbers that the same service gives its records", async () => {
    const reporter = await service.client(AuditService, { workload: "both" });
    const about = { action: "a.b", actor: "anonymous", outcome: Outcome.SUCCESS };
    await reporter.recordEntry({ id: newId(), ...about, sourceSequence: 1n });
    await publish([1, 2, 3].map((number) => event("both", number)));
    await arrived("both", 4);
    await settle();
    expect(await gapsOf("both")).toEqual([]);
    await reporter.recordEntry({ id: newId(), ...about, sourceSequence: 3n });
    await arrived("both", 5);
    expect(await gapsOf("both")).toEqual([[2, 2]]);
  });

  test("that come twice change nothing; numbers used again after a restore are told, with the entry", async () => {
    const before = [1, 2, 3, 4].map((number) => event("restored", number, { id: newId() }));
    await publish(before);
    // The backup had 1 and 2. The relay goes on with 3 and 4, for other events, and repeats what was not noted as published.
    const after = [3, 4, 5].map((number) => event("restored", number, { id: newId() }));
    await publish([...before.slice(1), ...after]);
    await arrived("restored", 7);
    await settle();
    const { gaps, reuses } = await (await logClient()).listGaps({ source: "restored" });
    expect(gaps).toEqual([]);
    // In one range or in two: the second of them may have been there when the first was checked.
    expect(numbersOf(reuses).sort()).toEqual([3, 4]);
    for (const reuse of reuses) expect(reuse).toMatchObject({ source: "restored", numbering: Numbering.EVENTS });
    for (const { first, entryId } of reuses) {
      const at = Number(first) - 1;
      // Whichever partition was first: one of the two is the second use.
      expect([before[at]?.id, after[at - 2]?.id]).toContain(entryId);
    }
  });

  test("without numbers, from producers of before, are recorded and never missing", async () => {
    await publish([event("earlier", 1, { sequence: undefined }), event("earlier", 2, { sequence: undefined })]);
    await publish([event("earlier", 1)]);
    await arrived("earlier", 3);
    await settle();
    expect(await gapsOf("earlier")).toEqual([]);
  });

  test("with a number that no relay gives are recorded without it", async () => {
    await publish([event("huge", 1, { sequence: 2n ** 62n })]);
    await arrived("huge", 1);
    const [row] = await service.database.admin(
      "SELECT source_sequence, numbering FROM audit.sealed_entry WHERE source = 'huge'",
    );
    expect(row).toEqual({ source_sequence: "0", numbering: "records" });
  });
});

describe("counting", () => {
  const now = new Date();
  const batches = fc.array(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 10 }), {
    maxLength: 6,
  });

  test("whatever the order and the batches: what is missing below the highest, and what came twice", () => {
    fc.assert(
      fc.property(batches, (groups) => {
        let state: ReturnType<typeof receive> = { last: 0n, gaps: [], reused: [] };
        const seen = new Set<number>();
        for (const group of groups) {
          const twice = group
            .filter((number, at) => seen.has(number) || group.indexOf(number) < at)
            .sort((a, b) => a - b);
          const arrivals = group.map((number): Arrival => ({ number: BigInt(number), id: newId() }));
          state = receive(state, arrivals, now);
          for (const number of group) seen.add(number);
          const highest = Math.max(...seen);
          const missing = Array.from({ length: highest }, (_, at) => at + 1).filter((number) => !seen.has(number));
          expect([Number(state.last), numbersOf(state.gaps)]).toEqual([highest, missing]);
          expect(state.reused.map(({ number }) => Number(number))).toEqual(twice);
        }
      }),
    );
  });

  test("is stored as it is counted, over two instances that check at once", async () => {
    const { recorder, database, again } = await logParts();
    const other = again({});
    const numbers = fc.sample(fc.integer({ min: 1, max: 200 }), { numRuns: 150, seed: 7 });
    const checks = [database, other.database].map((on) =>
      createNumberCheck({ database: on, clock: systemClock, logger: silentLogger }),
    );
    for (const [at, number] of numbers.entries()) {
      await recorder.record(newEntry({ source: "shop", sourceSequence: BigInt(number), numbering: "events" }));
      if (at % 20 === 19) await Promise.all(checks.map((check) => check.round()));
    }
    while (await checks[0]?.round()) {}
    await other.database.stop?.(AbortSignal.timeout(1_000));
    const query = { source: "shop", now: new Date(Date.now() + 3_600_000), limit: 1_000 };
    const highest = Math.max(...numbers);
    const missing = Array.from({ length: highest }, (_, at) => at + 1).filter((number) => !numbers.includes(number));
    expect(numbersOf(await listGaps(database, query)).sort((a, b) => a - b)).toEqual(missing);
    const twice = new Set(numbers.filter((number, at) => numbers.indexOf(number) < at));
    expect(new Set(numbersOf(await listReuses(database, "shop", 1_000)))).toEqual(twice);
  });
});

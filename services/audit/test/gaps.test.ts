import { AuditService, Outcome } from "@plinth/proto/plinth/audit/v1/audit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { listGaps } from "../src/store/source-gaps.ts";
import { logClient, newId, service, useAuditService, wholeCheckpoint } from "./audit-fixture.ts";
import { logParts, newEntry } from "./log-parts.ts";

useAuditService();

describe("a source that numbers its records", () => {
  test("is told which did not arrive, until they do", async () => {
    const reporter = await service.client(AuditService, { workload: "billing" });
    const send = (sourceSequence: bigint, id = newId()) =>
      reporter.recordEntry({ id, action: "a.b", actor: "anonymous", outcome: Outcome.SUCCESS, sourceSequence });
    const other = await service.client(AuditService, { workload: "notes" });
    await other.recordEntry({ id: newId(), action: "a.b", actor: "anonymous", outcome: Outcome.SUCCESS });
    const gaps = async (source = "billing") =>
      (await (await logClient()).listGaps({ source })).gaps.map(({ first, last }) => [Number(first), Number(last)]);
    const first = await send(1n);
    expect(first.sourceSequence).toBe(1n);
    await send(2n);
    expect(await gaps()).toEqual([]);
    await send(9n);
    expect(await gaps()).toEqual([[3, 8]]);
    await send(5n);
    expect(await gaps()).toEqual([
      [3, 4],
      [6, 8],
    ]);
    const id = newId();
    for (const number of [3n, 4n, 6n, 8n]) await send(number);
    await send(7n, id);
    await send(7n, id);
    expect(await gaps("")).toEqual([]);
    const { leaf } = await wholeCheckpoint().then(async () => (await logClient()).getEntryProof({ id }));
    expect(JSON.parse(Buffer.from(leaf).toString())).toMatchObject({ source: "billing", source_sequence: 7 });
  });

  test("has the gaps that are missing, whatever the order of arrival", async () => {
    const { recorder, database } = await logParts();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 }),
        async (numbers) => {
          const source = `source-${++run}`;
          for (const number of numbers) await recorder.record(newEntry({ source, sourceSequence: BigInt(number) }));
          const found = await listGaps(database, source, 100);
          const missing = found.flatMap(({ first, last }) =>
            Array.from({ length: Number(last - first) + 1 }, (_, at) => Number(first) + at),
          );
          const highest = Math.max(...numbers);
          const expected = Array.from({ length: highest }, (_, at) => at + 1).filter((n) => !numbers.includes(n));
          expect(missing.sort((a, b) => a - b)).toEqual(expected);
        },
      ),
      { numRuns: 25 },
    );
  });
});

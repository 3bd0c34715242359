import type { Checkpoint } from "@plinth/transparency-log";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "./audit-fixture.ts";
import { earlierEntrySql, logParts, newEntry, newEvent, recordingsOf } from "./log-parts.ts";
import { auditTree } from "./tree-auditor.ts";
import { type FaultKind, type WriteFaults, writeFaults } from "./write-faults.ts";

let parts: Awaited<ReturnType<typeof logParts>>;
let faults: WriteFaults;
beforeAll(async () => {
  parts = await logParts();
  faults = writeFaults();
});
afterAll(() => faults.restore());

/** Every checkpoint that the world could have seen. */
const seen: Checkpoint[] = [];
async function look(): Promise<void> {
  const checkpoint = await parts.checkpoint();
  if (checkpoint) seen.push(checkpoint);
}

/** Tries like a caller whose call may have worked: again with the same arguments. */
async function insist(work: () => Promise<unknown>): Promise<void> {
  await work().catch(async () => {
    await look();
    await work();
  });
  await look();
}

/** One of everything that writes. */
async function aLife(n: number): Promise<void> {
  const { recorder, sequencer, erasure, keys, testDatabase } = parts;
  const [first, second] = [
    newEntry({ actor: `user:${n}`, source: `source-${n}`, sourceSequence: 3n }),
    newEntry({ resource: `users/${n}` }),
  ];
  await testDatabase.admin(earlierEntrySql(newId()));
  await insist(() => recorder.record(first));
  await insist(() => sequencer.round());
  await insist(() => recorder.record(second));
  const events = [newEvent(), newEvent({ actor: `user:${n}` }), newEvent()];
  await insist(() => recorder.recordEvents(recordingsOf([...events, ...events])));
  await insist(() => sequencer.round());
  await insist(() => parts.erase(String(n)));
  await insist(() => erasure.round());
  if (n % 10 === 0) await insist(() => keys.rotate({ actor: "user:admin", requestId: "r", traceparent: undefined }));
  await insist(() => sequencer.round({ sign: true }));
}

describe.each(["failed", "failed but applied"] satisfies FaultKind[])("a write that %s", (kind) => {
  test("leaves one tree and every entry once, whichever write it is", { timeout: 120_000 }, async () => {
    const hits = new Set<string>();
    let life = seen.length;
    for (let at = 1; ; at++) {
      faults.arm(at, kind);
      await aLife(++life);
      const hit = faults.disarm();
      await parts.integrateAll();
      await look();
      const { size, entries } = await auditTree(parts.testDatabase.adminUrl, seen);
      expect(size).toBe(entries);
      if (hit === undefined) break;
      hits.add(hit.split(/[\s(]/).slice(0, 3).join(" "));
    }
    const [counts] = await parts.testDatabase.admin(
      "SELECT (SELECT sequence FROM audit.head) AS given, (SELECT size FROM audit.log_head) AS size, (SELECT count(*) FROM audit.entry) AS earlier",
    );
    expect(counts).toMatchObject({ given: counts?.["size"], earlier: "0" });
    // Each kind of write was hit.
    const expected = [
      "INSERT INTO sealed_entry",
      "INSERT INTO inbox",
      "INSERT INTO subject_key",
      "UPDATE head SET",
      "INSERT INTO tile",
      "UPDATE log_head SET",
      "DELETE FROM entry",
    ];
    expect([...hits]).toEqual(expect.arrayContaining([...expected, "COMMIT", "UPDATE subject_key SET"]));
  });
});

test("two sequencers at once make one tree", async () => {
  const other = parts.again({});
  for (let n = 0; n < 20; n++) await parts.recorder.record(newEntry());
  await Promise.all(Array.from({ length: 6 }, (_, n) => (n % 2 ? parts : other).sequencer.round()));
  await look();
  await auditTree(parts.testDatabase.adminUrl, seen);
  await other.database.stop?.(AbortSignal.timeout(1_000));
});

test("with another data key nothing starts and nothing is signed, and the error says why", async () => {
  const other = parts.again({ master: Buffer.alloc(32, 2) });
  await parts.recorder.record(newEntry());
  await expect(other.sequencer.start?.()).rejects.toThrow("log_key and data_key were not written by the same platform");
  await expect(other.sequencer.round()).rejects.toThrow("log_key and data_key were not written by the same platform");
  await parts.integrateAll();
  await look();
  await auditTree(parts.testDatabase.adminUrl, seen);
  await other.database.stop?.(AbortSignal.timeout(1_000));
});

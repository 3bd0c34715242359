import { createFakeClock } from "@plinth/testing";
import { encodeLeaf, leafHash, verifyInclusion } from "@plinth/transparency-log";
import { describe, expect, test } from "vitest";
import { leafOfRow } from "../src/store/leaf-of-row.ts";
import { newId } from "./audit-fixture.ts";
import { earlierEntrySql, logParts, newEntry } from "./log-parts.ts";
import { auditTree } from "./tree-auditor.ts";

describe("entries of the version before", () => {
  test("are moved into the tree in their places, while both versions write, and can be read", async () => {
    const parts = await logParts();
    const { entries, recorder, testDatabase, integrateAll } = parts;
    const ids = Array.from({ length: 1_300 }, newId);
    for (const id of ids.slice(0, 2)) await testDatabase.admin(earlierEntrySql(id));
    const own = newEntry();
    await recorder.record(own);
    for (let at = 2; at < ids.length; at += 100)
      await testDatabase.admin(
        ids
          .slice(at, at + 100)
          .map(earlierEntrySql)
          .join(";"),
      );
    // A caller that tries again meanwhile does not make a second entry.
    await expect(recorder.record(newEntry({ id: ids[3] as string }))).rejects.toMatchObject({
      reason: "ENTRY_BEING_MOVED",
    });
    await integrateAll();
    const { size } = await auditTree(testDatabase.adminUrl, []);
    expect(size).toBe(1_301);
    expect(await testDatabase.admin("SELECT FROM audit.entry")).toEqual([]);
    expect((await entries.get(ids[0] as string))?.entry).toMatchObject({
      sequence: 1n,
      actor: "user:ada",
      resource: "users/bob",
      outcome: "denied",
      details: { title: "older plans" },
      payload: Buffer.from([1, 2]),
      time: new Date("2026-11-01T10:00:00.123Z"),
    });
    expect((await entries.get(own.id))?.entry.sequence).toBe(3n);
    const found = await entries.list({ actor: "user:ada", resource: "users/bob" }, { before: undefined, limit: 5_000 });
    expect(found).toHaveLength(1_300);
    expect((await recorder.record(newEntry({ id: ids[3] as string }))).sequence).toBe(5n);
  });

  test("cannot be taken out of their place unless they were moved", async () => {
    const { testDatabase } = await logParts();
    await testDatabase.admin(earlierEntrySql(newId()));
    await expect(testDatabase.admin("DELETE FROM audit.entry")).rejects.toThrow("cannot be changed or removed");
  });
});

describe("retention", () => {
  const day = 86_400_000;

  test("removes what is older, and every later proof stays what it was", async () => {
    const clock = createFakeClock();
    const parts = await logParts({ clock, retentionMs: 30 * day });
    const { entries, recorder, retention, reader, integrateAll, checkpoint } = parts;
    const old = Array.from({ length: 300 }, () => newEntry());
    for (const entry of old) await recorder.record(entry);
    await integrateAll();
    clock.advance(31 * day);
    const young = newEntry();
    await recorder.record(young);
    await integrateAll();
    const before = await checkpoint();
    let removed = 0;
    for (let batch = await retention.round(); batch > 0; batch = await retention.round()) removed += batch;
    expect(removed).toBe(300);
    expect(await entries.get(old[0]?.id as string)).toBeUndefined();
    expect(await checkpoint()).toEqual(before);
    const kept = await entries.get(young.id);
    if (!kept) throw new Error("the young entry is gone");
    const { index, size, root, hashes } = await reader.inclusion(kept, 0);
    const leaf = leafHash(encodeLeaf(leafOfRow(kept.row)));
    expect(verifyInclusion({ leafHash: leaf, index, size, proof: hashes, root })).toBe(true);
    await recorder.record(newEntry());
    await integrateAll();
    expect((await checkpoint())?.size).toBe(302);
    expect(await retention.round()).toBe(0);
  });

  test("keeps what is not in the tree yet", async () => {
    const clock = createFakeClock();
    const { recorder, retention, integrateAll } = await logParts({ clock, retentionMs: day });
    await recorder.record(newEntry());
    clock.advance(2 * day);
    expect(await retention.round()).toBe(0);
    await integrateAll();
    expect(await retention.round()).toBe(1);
  });

  test("without a time keeps everything", async () => {
    const clock = createFakeClock();
    const { recorder, retention, integrateAll } = await logParts({ clock });
    await recorder.record(newEntry());
    await integrateAll();
    clock.advance(10_000 * day);
    expect(await retention.round()).toBe(0);
  });
});

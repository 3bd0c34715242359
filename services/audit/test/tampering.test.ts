import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ExportEntriesRequestSchema, ExportFormat } from "@plinth/proto/plinth/audit/v1/log";
import type { CallContext } from "@plinth/rpc";
import {
  type Checkpoint,
  createRootStack,
  type ExportVerdict,
  encodeLeaf,
  formatCheckpoint,
  formatNote,
  leafHash,
  signerFromSeed,
  signText,
  verifyExport,
} from "@plinth/transparency-log";
import { describe, expect, test } from "vitest";
import { exportEntries } from "../src/rpc/export-entries.ts";
import { leafOfRow } from "../src/store/leaf-of-row.ts";
import { logParts, newEntry, origin } from "./log-parts.ts";

type Parts = Awaited<ReturnType<typeof logParts>>;

async function* exportLines(
  { entries, reader }: Parts,
  request: MessageInitShape<typeof ExportEntriesRequestSchema> = {},
): AsyncGenerator<string> {
  const asked = create(ExportEntriesRequestSchema, { format: ExportFormat.JSON_LINES, ...request });
  const call = { signal: AbortSignal.timeout(60_000) } as CallContext;
  for await (const { lines } of exportEntries(entries, reader)(asked, call))
    yield* Buffer.from(lines ?? [])
      .toString()
      .trimEnd()
      .split("\n");
}

async function verify(parts: Parts, since?: Checkpoint, request = {}): Promise<ExportVerdict> {
  const keys = (await parts.keys.list()).map(({ key }) => key);
  return verifyExport(exportLines(parts, request), { origin, keys, ...(since ? { since } : {}) });
}

/** A log of `count` entries and the checkpoint that an auditor took home. */
async function aLog(
  count = 12,
): Promise<{ parts: Parts; taken: Checkpoint; tamper: (sql: string) => Promise<unknown> }> {
  const parts = await logParts();
  for (let n = 1; n <= count; n++) await parts.recorder.record(newEntry({ action: `notes.n${n}` }));
  await parts.integrateAll();
  const tamper = (sql: string) =>
    parts.testDatabase.admin(`SET search_path = audit; SET session_replication_role = replica; ${sql}`);
  return { parts, taken: (await parts.checkpoint()) as Checkpoint, tamper };
}

test("an export that retention overtakes ends instead of looking like a log with a hole", async () => {
  const { parts, tamper } = await aLog(600);
  const lines = exportLines(parts);
  await lines.next();
  await lines.next();
  await tamper("UPDATE log_head SET pruned = 400; DELETE FROM sealed_entry WHERE sequence <= 400");
  const rest = async () => {
    for await (const _ of lines);
  };
  await expect(rest()).rejects.toMatchObject({ reason: "EXPORT_OVERTAKEN" });
});

test("a log that nobody touched verifies: whole, in part, and against an earlier checkpoint", async () => {
  const { parts, taken } = await aLog();
  expect(await verify(parts, taken)).toMatchObject({ problem: undefined, entries: 12, complete: true, erased: 0 });
  for (let n = 0; n < 300; n++) await parts.recorder.record(newEntry({ source: n % 2 ? "even" : "odd" }));
  await parts.integrateAll();
  expect(await verify(parts, taken)).toMatchObject({ problem: undefined, entries: 312, complete: true });
  const some = { filter: { source: "odd" }, proofs: true };
  expect(await verify(parts, undefined, some)).toMatchObject({ problem: undefined, entries: 150, complete: false });
  await parts.erase("ada");
  expect(await verify(parts, taken)).toMatchObject({ problem: undefined, entries: 312, erased: 312 });
});

describe("found", () => {
  test.each([
    ["an action", "UPDATE sealed_entry SET action = 'harmless' WHERE sequence = 5"],
    ["an outcome", "UPDATE sealed_entry SET outcome = 'denied' WHERE sequence = 5"],
    ["a time", "UPDATE sealed_entry SET time = time - interval '1 day' WHERE sequence = 5"],
    ["a source", "UPDATE sealed_entry SET source = 'other' WHERE sequence = 5"],
    ["encrypted data", "UPDATE sealed_entry SET who_sealed = who_sealed || '\\x00' WHERE sequence = 5"],
    ["a commitment", "UPDATE sealed_entry SET what_commitment = who_commitment WHERE sequence = 5"],
    ["a row and the row after it", "UPDATE sealed_entry SET action = 'harmless' WHERE sequence IN (5, 6)"],
  ])("a change of %s", async (_, sql) => {
    const { parts, tamper } = await aLog();
    await tamper(sql);
    expect((await verify(parts)).problem).toMatch(/^entry 5 \([0-9a-f-]{36}\) was changed/);
    const some = { filter: { requestId: "r-1" }, proofs: true };
    expect((await verify(parts, undefined, some)).problem).toMatch(/^entry 5 \([0-9a-f-]{36}\) is not in the log/);
  });

  test("two entries in each other's place", async () => {
    const { parts, tamper } = await aLog();
    await tamper(
      "UPDATE sealed_entry SET sequence = -sequence WHERE sequence IN (3, 9); UPDATE sealed_entry SET sequence = 12 + sequence WHERE sequence < 0",
    );
    expect((await verify(parts)).problem).toMatch(/^entry 3 \(.+\) was changed/);
  });

  test("a missing entry, and missing last ones", async () => {
    const { parts, tamper } = await aLog();
    await tamper("DELETE FROM sealed_entry WHERE sequence = 12");
    expect((await verify(parts)).problem).toBe("entries 12 to 12 are missing: the checkpoint has 12 leaves");
    await tamper("DELETE FROM sealed_entry WHERE sequence = 7");
    expect((await verify(parts)).problem).toBe("entry 7 is missing: entry 8 stands in its place");
    await tamper("TRUNCATE sealed_entry");
    expect((await verify(parts)).problem).toBe("entries 1 to 12 are missing: the checkpoint has 12 leaves");
  });

  test("a log whose hashes were made to fit what was changed", async () => {
    const { parts, tamper } = await aLog();
    await tamper("UPDATE sealed_entry SET action = 'harmless' WHERE sequence = 5");
    const hashes = (await parts.entries.scan({}, { after: 0n, until: 12n, limit: 12 })).map(({ row }) =>
      leafHash(encodeLeaf(leafOfRow(row))),
    );
    const tile = Buffer.concat(hashes).toString("hex");
    await tamper(`UPDATE tile SET hashes = '\\x${tile}' WHERE level = 0`);
    expect((await verify(parts)).problem).toBe(
      "the entries do not make the checkpoint's root hash: the log was rewritten",
    );
    await parts.recorder.record(newEntry());
    // And the service does not sign what follows from it.
    await expect(parts.sequencer.round()).rejects.toMatchObject({ reason: "LOG_DAMAGED" });
    // With the root hash changed as well, what is missing is the key.
    const root = createRootStack();
    for (const hash of hashes) root.append(hash);
    const forger = signerFromSeed(origin, Buffer.alloc(32, 9));
    const text = formatCheckpoint({ origin, size: 12, root: root.root() });
    const forged = formatNote({ text, signatures: [signText(text, forger)] });
    await tamper(
      `UPDATE log_head SET root = '\\x${Buffer.from(root.root()).toString("hex")}', checkpoint = E'${forged.replaceAll("\n", "\\n")}'`,
    );
    await expect(verify(parts)).rejects.toThrow("no signature is by a known key");
  });

  test("an old database, by whoever remembers a checkpoint", async () => {
    const { parts, tamper } = await aLog();
    const tables = ["sealed_entry", "subject_key", "tile", "log_head", "head"];
    await tamper(tables.map((name) => `CREATE TABLE backup_${name} AS SELECT * FROM ${name}`).join(";"));
    await parts.recorder.record(newEntry({ action: "notes.embezzled" }));
    await parts.integrateAll();
    const taken = (await parts.checkpoint()) as Checkpoint;
    await tamper(tables.map((name) => `TRUNCATE ${name}; INSERT INTO ${name} SELECT * FROM backup_${name}`).join(";"));
    expect((await verify(parts)).problem).toBeUndefined();
    expect((await verify(parts, taken)).problem).toBe(
      "the log has 12 leaves and had 13: it was cut, or an old database was restored",
    );
    await parts.recorder.record(newEntry({ action: "notes.harmless" }));
    await parts.integrateAll();
    expect((await verify(parts)).problem).toBeUndefined();
    expect((await verify(parts, taken)).problem).toBe(
      "the log has another root hash than before for the same 13 leaves: it was rewritten",
    );
    await parts.recorder.record(newEntry());
    await parts.integrateAll();
    expect((await verify(parts, taken)).problem).toBe(
      "the first 13 leaves are not those of before: the log was rewritten",
    );
  });

  test("what an export says beside its leaves", async () => {
    const { parts } = await aLog(3);
    const keys = (await parts.keys.list()).map(({ key }) => key);
    const lines: string[] = [];
    for await (const line of exportLines(parts)) lines.push(line);
    const check = async (change: (line: string, at: number) => string) => {
      const changed = (async function* () {
        for (const [at, line] of lines.entries()) yield change(line, at);
      })();
      return (await verifyExport(changed, { origin, keys })).problem;
    };
    expect(await check((line) => line)).toBeUndefined();
    expect(await check((line, at) => (at === 2 ? line.replace("user:ada", "user:bob") : line))).toBe(
      "entry 2: actor or IP address are not what was logged",
    );
    expect(await check((line, at) => (at === 3 ? line.replace("secret plans", "nothing") : line))).toBe(
      "entry 3: resource, details or payload are not what was logged",
    );
    expect(await check((line, at) => (at === 1 ? "{" : line))).toBe("line 2: is not a line of an export in JSON");
    await expect(check((line, at) => (at === 0 ? line.replace("\\n3\\n", "\\n2\\n") : line))).rejects.toThrow(
      "does not verify",
    );
  });
});

describe("the service itself", () => {
  test.each([
    [
      "an entry that is missing before it is in the tree",
      "DELETE FROM sealed_entry WHERE sequence = 13",
      "entry 13 of the audit log is missing",
    ],
    ["numbers that went back", "UPDATE head SET sequence = 3", "only 3 numbers were given out"],
    ["a tile that is gone", "DELETE FROM tile", "tiles of the audit log are missing"],
  ])("does not go on after %s", async (_, sql, message) => {
    const { parts, tamper } = await aLog();
    await parts.recorder.record(newEntry());
    await tamper(sql);
    await expect(parts.sequencer.round()).rejects.toThrow(message);
  });

  test("gives no proof for an entry that was changed", async () => {
    const { parts, tamper } = await aLog();
    await tamper("UPDATE sealed_entry SET action = 'harmless' WHERE sequence = 5");
    const [changed] = await parts.entries.scan({}, { after: 4n, until: 5n, limit: 1 });
    await expect(parts.reader.inclusion(changed as never, 0)).rejects.toThrow(
      "entry 5 is not what the audit log committed to",
    );
  });

  test("retention leaves a log that verifies, also against a checkpoint that it still covers", async () => {
    const { parts, taken, tamper } = await aLog();
    await tamper("UPDATE log_head SET pruned = 5; DELETE FROM sealed_entry WHERE sequence <= 5");
    expect(await verify(parts, taken)).toMatchObject({ problem: undefined, entries: 7, pruned: 5 });
    await tamper("UPDATE log_head SET pruned = 4");
    expect((await verify(parts)).problem).toBe("entry 5 is missing: entry 6 stands in its place");
  });
});

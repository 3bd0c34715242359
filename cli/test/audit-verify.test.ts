import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { LogService, Numbering } from "@plinth/proto/plinth/audit/v1/log";
import { partialService, startPeers } from "@plinth/testing/service";
import {
  canonicalJson,
  commitTo,
  createRootStack,
  type EntryLeaf,
  encodeBase64,
  encodeLeaf,
  formatCheckpoint,
  formatNote,
  formatNoteKey,
  formatProofFile,
  type Json,
  leafHash,
  signerFromSeed,
  signText,
} from "@plinth/transparency-log";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { auditVerify } from "../src/commands/audit-verify.ts";

const origin = "log.example/audit";
const log = signerFromSeed(origin, Buffer.alloc(32, 7));
const key = formatNoteKey(log.key);
const salt = encodeBase64(Buffer.alloc(32, 3));
const filler = encodeBase64(Buffer.alloc(32, 4));

/** An export line as the service writes it. */
function line(sequence: number) {
  const who = { actor: `user:${sequence}`, ip_address: "" };
  const what = { resource: "notes/1", details: {} };
  const binding = (part: Json) => ({ commitment: commitTo(Buffer.alloc(32, 3), part), sealed: filler });
  const time = "2026-11-26T12:00:00.000Z";
  const leaf: EntryLeaf = {
    ...{
      v: 1,
      sequence,
      id: `id-${sequence}`,
      time,
      record_time: time,
      source: "notes",
      source_sequence: 0,
      action: "notes.read",
    },
    ...{ outcome: "success", request_id: "", trace_id: "", who: binding(who), what: binding(what) },
  };
  return { leaf, who: { salt, part: who }, what: { salt, part: what }, hash: encodeBase64(leafHash(encodeLeaf(leaf))) };
}

function checkpointOf(size: number, signer = log): string {
  const stack = createRootStack();
  for (let n = 1; n <= size; n++) stack.append(leafHash(encodeLeaf(line(n).leaf)));
  const text = formatCheckpoint({ origin, size, root: stack.root() });
  return formatNote({ text, signatures: [signText(text, signer)] });
}

const exportOf = (size: number, checkpoint = checkpointOf(size)): string =>
  [{ export: "plinth.audit.v1", checkpoint, complete: true, pruned: 0, prunedHashes: [] }, ...numbers(size).map(line)]
    .map((value) => `${canonicalJson(value as unknown as Json)}\n`)
    .join("");
const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "plinth-audit-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function listener() {
  const said: string[] = [];
  const line = (text = "") => void said.push(text);
  return { said, terminal: { line, note: line, tint: (text: string) => text } };
}

/** Runs the command on a file with this content. */
async function verify(content: string, options: object = {}, name = "export.jsonl") {
  const file = path.join(folder, name);
  await writeFile(file, content);
  const { said, terminal } = listener();
  const code = await auditVerify(file, { data: "", key: [key], ...options }, terminal).catch(
    (err: Error) => err.message,
  );
  return { code, said: said.join("\n") };
}

describe("plinth audit verify", () => {
  test("says that an export is whole and true", async () => {
    expect(await verify(exportOf(5))).toEqual({
      code: 0,
      said: "valid: the log log.example/audit has 5 leaves and they make its signed root hash\n5 entries verified",
    });
  });

  test("says what is wrong with it, on one line, with exit code 1", async () => {
    const bad = exportOf(5).replace('"user:3"', '"user:4"');
    expect(await verify(bad)).toEqual({
      code: 1,
      said: "NOT VALID: entry 3: actor or IP address are not what was logged",
    });
    const forger = signerFromSeed(origin, Buffer.alloc(32, 8));
    const forged = await verify(exportOf(5, checkpointOf(5, forger)));
    expect(forged).toMatchObject({ code: 1, said: expect.stringContaining("no signature is by a known key") });
    expect(await verify("what is this\n")).toMatchObject({ code: 1, said: expect.stringContaining("NOT VALID") });
    expect(await verify("")).toMatchObject({ code: 1 });
  });

  test("of a platform, tells what its sources say is missing; the proofs are no worse for it", async () => {
    const foundTime = { seconds: 1_764_158_400n, nanos: 0 };
    const live = partialService(LogService, {
      listGaps: async () => ({
        gaps: [{ source: "shop", numbering: Numbering.EVENTS, first: 3n, last: 3n, foundTime }],
        reuses: [{ source: "till", numbering: Numbering.RECORDS, first: 7n, last: 9n, entryId: "e-1", foundTime }],
      }),
      async *exportEntries() {
        yield { lines: Buffer.from(exportOf(5)) };
      },
    });
    const server = await startPeers("{}", () => false, [live]);
    try {
      const { said, terminal } = listener();
      const options = { data: "", key: [key], url: `http://127.0.0.1:${server.port()}`, token: "t" };
      expect(await auditVerify(undefined, options, terminal)).toBe(0);
      expect(said.slice(-2)).toEqual([
        "MISSING: events 3 of shop did not arrive, found 2025-11-26T12:00:00.000Z",
        "USED AGAIN: records 7 to 9 of till came for something else than before, first in entry e-1, found 2025-11-26T12:00:00.000Z: was the source restored from a backup?",
      ]);
      expect(said[0]).toContain("valid: the log");
    } finally {
      await server.stop?.(AbortSignal.timeout(5_000));
    }
  });

  test("remembers a checkpoint and notices when the log went back", async () => {
    const remembered = path.join(folder, "remembered");
    expect(await verify(exportOf(5), { save: remembered })).toMatchObject({ code: 0 });
    expect(await readFile(remembered, "utf8")).toBe(checkpointOf(5));
    const later = await verify(exportOf(9), { since: remembered });
    expect(later).toMatchObject({ code: 0, said: expect.stringContaining("begins with the 5 leaves") });
    const back = await verify(exportOf(4), { since: remembered, save: remembered });
    expect(back.said).toBe("NOT VALID: the log has 4 leaves and had 5: it was cut, or an old database was restored");
    expect(await readFile(remembered, "utf8")).toBe(checkpointOf(5));
  });

  test("verifies a proof of one entry and shows it", async () => {
    const [one] = [line(1)];
    const proof = (entry: object) =>
      formatProofFile({ extra: Buffer.from(JSON.stringify(entry)), index: 0, hashes: [], checkpoint: checkpointOf(1) });
    const good = await verify(proof(one), {}, "a.tlog-proof");
    expect(good).toMatchObject({ code: 0, said: expect.stringContaining('"actor": "user:1"') });
    const other = { ...one, leaf: { ...one.leaf, action: "notes.delete" } };
    expect(await verify(proof(other), {}, "a.tlog-proof")).toEqual({
      code: 1,
      said: "NOT VALID: the leaf is not at index 0 of the log",
    });
  });

  test("reads keys from a file with comments, and wants keys of one log", async () => {
    const file = path.join(folder, "keys");
    await writeFile(file, `# the log of example\n${key} # the first\n\n`);
    expect(await verify(exportOf(2), { key: [file] })).toMatchObject({ code: 0 });
    const other = formatNoteKey(signerFromSeed("other.example", Buffer.alloc(32, 9)).key);
    expect((await verify(exportOf(2), { key: [key, other] })).code).toContain("of two logs");
    expect((await verify(exportOf(2), { key: [] })).code).toContain("--key names the log's public key");
    expect((await verify(exportOf(2), { key: [path.join(folder, "nowhere")] })).code).toContain(
      "cannot be read: ENOENT",
    );
  });
});

import {
  canonicalJson,
  commitTo,
  createRootStack,
  type EntryLeaf,
  encodeBase64,
  encodeLeaf,
  formatCheckpoint,
  formatNote,
  type Json,
  leafHash,
  openCheckpoint,
  signerFromSeed,
  signText,
  verifyExport,
} from "@plinth/transparency-log";
import { printTable } from "../table.ts";

const entries = 20_000;
const origin = "bench/audit";

/** What `plinth audit verify` does with each line of a whole export, in memory. */
export async function measureVerifying(seconds: number): Promise<void> {
  const signer = signerFromSeed(origin, Buffer.alloc(32, 1));
  const stack = createRootStack();
  const lines = Array.from({ length: entries }, (_, at) => exportLine(at + 1));
  for (const { leaf } of lines) stack.append(leafHash(encodeLeaf(leaf)));
  const text = formatCheckpoint({ origin, size: entries, root: stack.root() });
  const checkpoint = formatNote({ text, signatures: [signText(text, signer)] });
  const header = { export: "plinth.audit.v1", checkpoint, complete: true, pruned: 0, prunedHashes: [] };
  const texts = [header, ...lines].map((line) => canonicalJson(line as unknown as Json));
  const bytes = texts.reduce((sum, line) => sum + line.length + 1, 0);
  const keys = [signer.key];
  const begin = performance.now();
  let rounds = 0;
  do {
    const { problem } = await verifyExport(iterate(texts), { origin, keys });
    if (problem) throw new Error(problem);
    rounds++;
  } while (performance.now() - begin < (seconds * 1000) / 4);
  const exportedMs = performance.now() - begin;
  const signed = performance.now();
  let opened = 0;
  for (; performance.now() - signed < (seconds * 1000) / 8; opened++) openCheckpoint(checkpoint, origin, keys);
  printTable(`Audit log: verifying without the platform, one core`, [
    {
      "entries of an export/s": (rounds * entries) / (exportedMs / 1000),
      "MiB/s": (rounds * bytes) / 2 ** 20 / (exportedMs / 1000),
      "checkpoints/s": opened / (seconds / 8),
      "bytes/line": bytes / entries,
    },
  ]);
}

async function* iterate(texts: readonly string[]): AsyncGenerator<string> {
  yield* texts;
}

function exportLine(sequence: number) {
  const salt = Buffer.alloc(32, sequence % 251);
  const who = { actor: `user:${sequence}`, ip_address: "192.0.2.1" };
  const what = { resource: `users/${sequence}`, details: { userId: `${sequence}`, changed: ["displayName"] } };
  const sealed = encodeBase64(Buffer.alloc(32, 9));
  const time = "2026-11-26T12:00:00.000Z";
  const leaf: EntryLeaf = {
    ...{ v: 1, sequence, id: `01920000-0000-7000-8000-${String(sequence).padStart(12, "0")}`, time, record_time: time },
    ...{ source: "identity", source_sequence: 0, action: "plinth.identity.v1.UserUpdated", outcome: "success" },
    ...{ request_id: `request-${sequence}`, trace_id: "0af7651916cd43dd8448eb211c80319c" },
    ...{ who: { commitment: commitTo(salt, who), sealed }, what: { commitment: commitTo(salt, what), sealed } },
  };
  const opening = (part: Json) => ({ salt: encodeBase64(salt), part });
  return { leaf, who: opening(who), what: opening(what), hash: encodeBase64(leafHash(encodeLeaf(leaf))) };
}

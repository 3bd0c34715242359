import { Fault } from "@plinth/kernel";
import { ExportFormat, type LogService } from "@plinth/proto/plinth/audit/v1/log";
import type { Handler } from "@plinth/rpc";
import { canonicalJson, encodeBase64, type Hash } from "@plinth/transparency-log";
import { csvHeader, csvLine } from "../export/csv.ts";
import { ocsfEvent } from "../export/ocsf.ts";
import { exportedEntry } from "../log/exported-entry.ts";
import type { LogHead } from "../log/log-head.ts";
import type { LogReader } from "../log/log-reader.ts";
import type { OpenedEntry } from "../store/entry-sealer.ts";
import type { EntryStore } from "../store/entry-store.ts";
import { filterFromMessage } from "./entry-filter.ts";

/** Entries read and sent at a time. */
const batchMax = 250;
const messageCharsMax = 1_000_000;

/**
 * Sends what the newest checkpoint covers, oldest first; a slow reader slows the reading down. With a position it goes on behind
 * it, in the tree that the export began with: an export that was cut, or that takes longer than a call may, is the same as one at once.
 */
export function exportEntries(entries: EntryStore, reader: LogReader): Handler<typeof LogService.method.exportEntries> {
  return async function* ({ filter: message, format, proofs, position }, call) {
    const filter = filterFromMessage(message);
    const head = await reader.checkpoint();
    const size = position === undefined ? head.size : reader.knownSize(Number(position.treeSize), head);
    const write = writerOf(format, proofs, size, reader);
    const at = (sequence: bigint) => ({ sequence, treeSize: BigInt(size) });
    let after = position?.sequence ?? BigInt(head.pruned);
    if (position === undefined) {
      // A filter with nothing in it is none.
      const complete = Object.values(filter).every((value) => !value);
      const header = await headerOf(format, head, complete, reader);
      if (header !== undefined) yield { lines: Buffer.from(header), position: at(after) };
    }
    for (;;) {
      call.signal.throwIfAborted();
      const found = await entries.scan(filter, { after, until: BigInt(size), limit: batchMax });
      if ((await reader.checkpoint()).pruned > Number(after)) throw overtaken();
      if (found.length === 0) return;
      for (const { lines, last } of messagesOf(found, await write(found))) yield { lines, position: at(last) };
      after = found.at(-1)?.row.sequence ?? after;
    }
  };
}

/** The first line; undefined where the format has none. */
async function headerOf(format: ExportFormat, head: LogHead, complete: boolean, reader: LogReader) {
  if (format === ExportFormat.CSV) return csvHeader;
  if (format !== ExportFormat.JSON_LINES) return undefined;
  const prunedHashes = (await reader.prefix(head.pruned)).map(encodeBase64);
  const { checkpoint, pruned } = head;
  return `${canonicalJson({ export: "plinth.audit.v1", checkpoint, complete, pruned, prunedHashes })}\n`;
}

const overtaken = (): Fault =>
  new Fault({
    code: "aborted",
    reason: "EXPORT_OVERTAKEN",
    message: "retention removed entries while they were exported: export again",
  });

type Writer = (batch: readonly OpenedEntry[]) => Promise<string[]>;

function writerOf(format: ExportFormat, proofs: boolean, size: number, reader: LogReader): Writer {
  if (format === ExportFormat.CSV) return async (batch) => batch.map(({ entry }) => csvLine(entry));
  if (format === ExportFormat.OCSF)
    return async (batch) => batch.map(({ entry }) => `${JSON.stringify(ocsfEvent(entry))}\n`);
  return async (batch) => {
    const logged = await reader.logged(batch.map(({ row }) => row.sequence));
    return Promise.all(
      batch.map(async (opened, at) => {
        const exported = { ...(exportedEntry(opened) as object), hash: encodeBase64(logged[at] as Hash) };
        const proof = proofs ? { proof: (await reader.proof(opened, size)).map(encodeBase64) } : {};
        return `${canonicalJson({ ...exported, ...proof })}\n`;
      }),
    );
  };
}

/** Lines as messages that stay well below what one may have, unless a single line is longer; with the last entry of each. */
function* messagesOf(entries: readonly OpenedEntry[], all: readonly string[]) {
  let part: string[] = [];
  let length = 0;
  let last = 0n;
  for (const [nth, line] of all.entries()) {
    if (length > 0 && length + line.length > messageCharsMax) {
      yield { lines: Buffer.from(part.join("")), last };
      part = [];
      length = 0;
    }
    part.push(line);
    length += line.length;
    last = entries[nth]?.row.sequence ?? last;
  }
  if (part.length > 0) yield { lines: Buffer.from(part.join("")), last };
}

import { Fault } from "@plinth/kernel";
import { ExportFormat, type LogService } from "@plinth/proto/plinth/audit/v1/log";
import type { Handler } from "@plinth/rpc";
import { canonicalJson, encodeBase64, type Hash } from "@plinth/transparency-log";
import { csvHeader, csvLine } from "../export/csv.ts";
import { ocsfEvent } from "../export/ocsf.ts";
import { exportedEntry } from "../log/exported-entry.ts";
import type { LogReader } from "../log/log-reader.ts";
import type { OpenedEntry } from "../store/entry-sealer.ts";
import type { EntryStore } from "../store/entry-store.ts";
import { filterFromMessage } from "./entry-filter.ts";

/** Entries read and sent at a time. */
const batchMax = 250;
const messageCharsMax = 1_000_000;

/** Sends what the newest checkpoint covers, oldest first; a slow reader slows the reading down. */
export function exportEntries(entries: EntryStore, reader: LogReader): Handler<typeof LogService.method.exportEntries> {
  return async function* ({ filter: message, format, proofs }, call) {
    const filter = filterFromMessage(message);
    const head = await reader.checkpoint();
    const until = BigInt(head.size);
    // A filter with nothing in it is none.
    const complete = Object.values(filter).every((value) => !value);
    const write = writerOf(format, proofs, head.size, reader);
    if (format === ExportFormat.JSON_LINES) {
      const prunedHashes = (await reader.prefix(head.pruned)).map(encodeBase64);
      const { checkpoint, pruned } = head;
      yield lines([`${canonicalJson({ export: "plinth.audit.v1", checkpoint, complete, pruned, prunedHashes })}\n`]);
    }
    if (format === ExportFormat.CSV) yield lines([csvHeader]);
    for (let after = BigInt(head.pruned); ; ) {
      call.signal.throwIfAborted();
      const found = await entries.scan(filter, { after, until, limit: batchMax });
      if ((await reader.checkpoint()).pruned > Math.max(head.pruned, Number(after))) throw overtaken();
      if (found.length === 0) return;
      yield* messagesOf(await write(found));
      after = found.at(-1)?.entry.sequence ?? until;
    }
  };
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

/** Lines as messages that stay well below what one may have, unless a single line is longer. */
function* messagesOf(all: readonly string[]) {
  let part: string[] = [];
  let length = 0;
  for (const line of all) {
    if (length > 0 && length + line.length > messageCharsMax) {
      yield lines(part);
      part = [];
      length = 0;
    }
    part.push(line);
    length += line.length;
  }
  if (part.length > 0) yield lines(part);
}

const lines = (all: readonly string[]) => ({ lines: Buffer.from(all.join("")) });

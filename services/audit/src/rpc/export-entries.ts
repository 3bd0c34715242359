import { ExportFormat, type LogService } from "@plinth/proto/plinth/audit/v1/log";
import type { Handler } from "@plinth/rpc";
import { canonicalJson, encodeBase64, type Json } from "@plinth/transparency-log";
import { csvHeader, csvLine } from "../export/csv.ts";
import { ocsfEvent } from "../export/ocsf.ts";
import { exportedEntry } from "../log/exported-entry.ts";
import type { LogReader } from "../log/log-reader.ts";
import type { OpenedEntry } from "../store/entry-sealer.ts";
import type { EntryStore } from "../store/entry-store.ts";
import { filterFromMessage } from "./entry-filter.ts";

/** Entries read and sent at a time. */
const batchMax = 250;

/** Sends what the newest checkpoint covers, oldest first; a slow reader slows the reading down. */
export function exportEntries(entries: EntryStore, reader: LogReader): Handler<typeof LogService.method.exportEntries> {
  return async function* ({ filter: message, format, proofs }, call) {
    const filter = filterFromMessage(message);
    const head = await reader.checkpoint();
    const until = BigInt(head.size);
    // A filter with nothing in it is none.
    const complete = Object.values(filter).every((value) => !value);
    const writeLine = await lineWriter(format, proofs, head.size, reader);
    if (format === ExportFormat.JSON_LINES) {
      const prunedHashes = (await reader.prefix(head.pruned)).map(encodeBase64);
      const { checkpoint, pruned } = head;
      yield lines([`${canonicalJson({ export: "plinth.audit.v1", checkpoint, complete, pruned, prunedHashes })}\n`]);
    }
    if (format === ExportFormat.CSV) yield lines([csvHeader]);
    for (let after = BigInt(head.pruned); ; ) {
      call.signal.throwIfAborted();
      const found = await entries.scan(filter, { after, until, limit: batchMax });
      if (found.length === 0) return;
      yield lines(await Promise.all(found.map(writeLine)));
      after = found.at(-1)?.entry.sequence ?? until;
    }
  };
}

async function lineWriter(
  format: ExportFormat,
  proofs: boolean,
  size: number,
  reader: LogReader,
): Promise<(opened: OpenedEntry) => Promise<string>> {
  if (format === ExportFormat.CSV) return async ({ entry }) => csvLine(entry);
  if (format === ExportFormat.OCSF) return async ({ entry }) => `${JSON.stringify(ocsfEvent(entry))}\n`;
  return async (opened) => {
    const exported = exportedEntry(opened) as Record<string, Json>;
    if (!proofs) return `${canonicalJson(exported)}\n`;
    const { hashes } = await reader.inclusion(opened, size);
    return `${canonicalJson({ ...exported, proof: hashes.map(encodeBase64) })}\n`;
  };
}

const lines = (all: readonly string[]) => ({ lines: Buffer.from(all.join("")) });

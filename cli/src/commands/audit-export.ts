import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type EntryFilterSchema, Outcome } from "@plinth/proto/plinth/audit/v1/audit";
import { ExportFormat } from "@plinth/proto/plinth/audit/v1/log";
import type { AuditLogOptions } from "../audit/audit-log.ts";
import { exportPieces } from "../audit/export-pieces.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";

export const exportFormats = {
  jsonl: ExportFormat.JSON_LINES,
  csv: ExportFormat.CSV,
  ocsf: ExportFormat.OCSF,
} as const;
export const outcomes = { success: Outcome.SUCCESS, failure: Outcome.FAILURE, denied: Outcome.DENIED } as const;

export interface AuditExportOptions extends AuditLogOptions {
  format: keyof typeof exportFormats;
  /** File; standard output when absent. */
  output?: string;
  actor?: string;
  action?: string;
  resource?: string;
  source?: string;
  requestId?: string;
  outcome?: keyof typeof outcomes;
  from?: Date;
  to?: Date;
}

/** Writes entries as a file. One with a filter has a proof with each entry, so that it verifies as a whole one does. */
export async function auditExport(options: AuditExportOptions, terminal: Terminal): Promise<number> {
  const filter = filterOf(options);
  const proofs = options.format === "jsonl" && Object.keys(filter).length > 0;
  const pieces = exportPieces(options, { format: exportFormats[options.format], filter, proofs }, terminal);
  const target = options.output === undefined ? undefined : createWriteStream(options.output, { mode: 0o600 });
  let bytes = 0;
  for await (const lines of pieces) {
    bytes += lines.length;
    if (target === undefined)
      terminal.line(
        Buffer.from(lines)
          .toString()
          .replace(/\r?\n$/, ""),
      );
    else if (!target.write(lines)) await once(target, "drain");
  }
  if (target !== undefined) {
    target.end();
    await finished(target);
    terminal.line(`wrote ${bytes} bytes to ${options.output}`);
  }
  return exitCodes.ok;
}

function filterOf(options: AuditExportOptions): MessageInitShape<typeof EntryFilterSchema> {
  const { actor, action, resource, source, requestId, outcome, from, to } = options;
  const texts = Object.entries({ actor, action, resource, source, requestId }).filter(
    ([, value]) => value !== undefined,
  );
  return {
    ...Object.fromEntries(texts),
    ...(outcome ? { outcome: outcomes[outcome] } : {}),
    ...(from ? { startTime: timestampFromDate(from) } : {}),
    ...(to ? { endTime: timestampFromDate(to) } : {}),
  };
}

import { createReadStream } from "node:fs";
import { ExportFormat } from "@plinth/proto/plinth/audit/v1/log";
import { type Checkpoint, openCheckpoint } from "@plinth/transparency-log";
import { type AuditLogOptions, openAuditLog } from "../audit/audit-log.ts";
import { exportPieces } from "../audit/export-pieces.ts";
import { linesOf } from "../audit/lines.ts";
import { missingLines } from "../audit/missing-lines.ts";
import { readText, readTrustedLog, type TrustedLog } from "../audit/trusted-keys.ts";
import { type Verdict, verifyLines, verifyProofText } from "../audit/verify-source.ts";
import { exitCodes } from "../exit-codes.ts";
import { replaceFile } from "../local/replace-file.ts";
import type { Terminal } from "../terminal.ts";

export interface AuditVerifyOptions extends AuditLogOptions {
  key: string[];
  /** File with a checkpoint that was verified before. */
  since?: string;
  /** Where to keep the checkpoint that was verified now. */
  save?: string;
}

/** Verifies a file without the platform, or, without one, the log of a platform. Exit code 1: something is wrong with it. */
export async function auditVerify(
  file: string | undefined,
  options: AuditVerifyOptions,
  terminal: Terminal,
): Promise<number> {
  const log = await readTrustedLog(options.key);
  const since =
    options.since === undefined ? undefined : openCheckpoint(await readText(options.since), log.origin, log.keys);
  const verdict = await (file === undefined ? verifyLive(options, log, since, terminal) : verifyFile(file, log, since));
  for (const line of verdict.lines) (verdict.valid ? terminal.line : terminal.note)(line);
  if (verdict.note !== undefined && options.save !== undefined) await replaceFile(options.save, verdict.note);
  return verdict.valid ? exitCodes.ok : exitCodes.failed;
}

async function verifyFile(file: string, log: TrustedLog, since: Checkpoint | undefined): Promise<Verdict> {
  if (file.endsWith(".tlog-proof")) return verifyProofText(await readText(file), log);
  return verifyLines(linesOf(createReadStream(file)), log, since);
}

async function verifyLive(
  options: AuditLogOptions,
  log: TrustedLog,
  since: Checkpoint | undefined,
  terminal: Terminal,
): Promise<Verdict> {
  const pieces = exportPieces(options, { format: ExportFormat.JSON_LINES }, terminal);
  const verdict = await verifyLines(linesOf(pieces), log, since);
  if (!verdict.valid) return verdict;
  const client = await openAuditLog(options);
  return { ...verdict, lines: [...verdict.lines, ...missingLines(await client.listGaps({}))] };
}

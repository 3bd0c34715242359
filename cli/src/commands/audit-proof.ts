import { writeFile } from "node:fs/promises";
import { type AuditLogOptions, openAuditLog } from "../audit/audit-log.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";

/** Writes the `.tlog-proof` of an entry. */
export async function auditProof(
  id: string,
  options: AuditLogOptions & { output?: string },
  terminal: Terminal,
): Promise<number> {
  const { tlogProof } = await (await openAuditLog(options)).getEntryProof({ id });
  const file = options.output ?? `${id}.tlog-proof`;
  await writeFile(file, tlogProof, { mode: 0o600 });
  terminal.line(`wrote ${file}; verify it with: plinth audit verify ${file} --key KEY`);
  return exitCodes.ok;
}

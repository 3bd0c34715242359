import { type AuditLogOptions, openAuditLog } from "../audit/audit-log.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";

/** Prints the log's public keys as `audit verify --key` reads them. Keep them where the platform cannot change them. */
export async function auditKeys(options: AuditLogOptions, terminal: Terminal): Promise<number> {
  const { keys } = await (await openAuditLog(options)).listLogKeys({});
  for (const { key, retireTime } of keys) {
    if (retireTime) terminal.line(`# until ${new Date(Number(retireTime.seconds) * 1000).toISOString()}`);
    terminal.line(key);
  }
  return exitCodes.ok;
}

import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { backoffMs, systemClock, systemRandom } from "@plinth/kernel";
import type { ExportEntriesRequestSchema, ExportPosition } from "@plinth/proto/plinth/audit/v1/log";
import type { Terminal } from "../terminal.ts";
import { type AuditLogOptions, openAuditLog, streamTimeoutMs } from "./audit-log.ts";

/** In a row, without anything that came in between. */
const attemptsMax = 8;
const retry = { initialMs: 200, maxMs: 5_000 };

/**
 * An export, each line once. Where the connection is cut, or the time that a call may take is over, it goes on with another
 * call behind what has come. Throws what the first call throws before anything has come.
 */
export async function* exportPieces(
  options: AuditLogOptions,
  request: MessageInitShape<typeof ExportEntriesRequestSchema>,
  terminal: Pick<Terminal, "note">,
): AsyncGenerator<Uint8Array> {
  let position: ExportPosition | undefined;
  for (let attempt = 1; ; attempt++) {
    try {
      const client = await openAuditLog(options);
      const answers = client.exportEntries(
        { ...request, ...(position ? { position } : {}) },
        { timeoutMs: streamTimeoutMs },
      );
      for await (const answer of answers) {
        yield answer.lines;
        position = answer.position;
        attempt = 0;
      }
      return;
    } catch (err) {
      if (position === undefined || attempt >= attemptsMax || !isCut(err)) throw err;
      terminal.note(`the export was cut (${(err as Error).message}), going on behind entry ${position.sequence}`);
      await systemClock.sleep(backoffMs(attempt + 1, retry, systemRandom));
    }
  }
}

/** The call ended, not the export: nobody is there for the moment, the time was over, or no service has said anything at all. */
function isCut(err: unknown): boolean {
  if (!(err instanceof ConnectError)) return false;
  return err.code === Code.Unavailable || err.code === Code.DeadlineExceeded || err.details.length === 0;
}

import { Fault, isFault } from "@plinth/kernel";

const connectionErrors = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOENT",
  "EHOSTUNREACH",
  "ENOTFOUND",
]);
const connectionMessages =
  /connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable|Query read timeout/i;

/** SQLSTATE of a PostgreSQL error, also when drizzle has wrapped it. */
export function sqlState(err: unknown): string | undefined {
  for (let at: unknown = err, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const code = (at as { code?: unknown }).code;
    if (typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !isFault(at)) return code;
  }
  return undefined;
}

/** The server did not answer at all in time: the connection is of no use any more. */
export const isReadTimeout = (err: unknown): err is Error =>
  err instanceof Error && /Query read timeout/.test(err.message);

/** Serialization failure or deadlock: running the transaction again helps. */
export function isRetryable(err: unknown): boolean {
  const state = sqlState(err);
  return state === "40001" || state === "40P01";
}

/** Name of the violated unique constraint, when that is what went wrong (SQLSTATE 23505). */
export function violatedConstraint(err: unknown): string | undefined {
  for (let at: unknown = err, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const found = at as { code?: unknown; constraint?: unknown };
    if (found.code === "23505" && typeof found.constraint === "string") return found.constraint;
  }
  return undefined;
}

/** Turns lost connections, shutdowns and time-outs into Fault "unavailable" or "deadline_exceeded"; returns anything else as it is. */
export function databaseFault(err: unknown): unknown {
  if (!(err instanceof Error) || isFault(err)) return err;
  const state = sqlState(err);
  if (state === "57014") {
    return new Fault({
      code: "deadline_exceeded",
      reason: "DATABASE_STATEMENT_TIMEOUT",
      message: "the operation took too long",
      cause: err,
    });
  }
  if (state === "22021" || state === "22P05") {
    return new Fault({
      code: "invalid_argument",
      reason: "TEXT_NOT_STORABLE",
      message: "text must not contain the character U+0000",
      cause: err,
    });
  }
  const lost = state !== undefined && (state.startsWith("08") || state.startsWith("57P") || state === "53300");
  if (lost || isConnectionError(err)) {
    return new Fault({
      code: "unavailable",
      reason: "DATABASE_UNAVAILABLE",
      message: "the database is unavailable, try again shortly",
      retryAfterMs: 1_000,
      cause: err,
    });
  }
  return err;
}

function isConnectionError(err: Error): boolean {
  for (let at: unknown = err, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (connectionErrors.has((at as { code?: string }).code ?? "") || connectionMessages.test(at.message)) return true;
  }
  return false;
}

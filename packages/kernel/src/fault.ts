/** Canonical codes; the names are those of gRPC (google.rpc.Code) in snake case. */
export type FaultCode =
  | "canceled"
  | "invalid_argument"
  | "deadline_exceeded"
  | "not_found"
  | "already_exists"
  | "permission_denied"
  | "resource_exhausted"
  | "failed_precondition"
  | "aborted"
  | "out_of_range"
  | "unimplemented"
  | "internal"
  | "unavailable"
  | "unauthenticated";

export interface FaultInit {
  code: FaultCode;
  /** Stable machine-readable reason in UPPER_SNAKE_CASE, listed in docs/errors.md. */
  reason: string;
  /** What the caller is told. Names nothing internal. */
  message: string;
  /** Machine-readable particulars for the caller, for example `{ field: "email" }`. */
  details?: Record<string, string>;
  /** When trying again makes sense. */
  retryAfterMs?: number;
  /** For the log only. */
  cause?: unknown;
}

/**
 * An expected failure with two texts: `message` goes to the caller, `cause` only to the log.
 * Everything thrown that is not a Fault reaches the caller as "internal error".
 */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly reason: string;
  readonly details: Record<string, string>;
  readonly retryAfterMs: number | undefined;

  constructor(init: FaultInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = "Fault";
    this.code = init.code;
    this.reason = init.reason;
    this.details = init.details ?? {};
    this.retryAfterMs = init.retryAfterMs;
  }
}

/**
 * The fault that an error is or was caused by, at most five causes deep: libraries wrap what their drivers throw. Undefined
 * for an error that nobody expected.
 */
export function faultOf(value: unknown): Fault | undefined {
  for (let at = value, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++)
    if (at instanceof Fault) return at;
  return undefined;
}

export const isFault = (value: unknown): value is Fault => value instanceof Fault;

/** For the default branch of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}

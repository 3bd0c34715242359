import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.ts";
import type { Reason } from "./gen/reasons.ts";

/** What a program may do about a failure, by kind; the codes of gRPC. */
export type FaultCode =
  | "canceled"
  | "unknown"
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
  | "data_loss"
  | "unauthenticated";

const codes: Record<Code, FaultCode> = {
  [Code.Canceled]: "canceled",
  [Code.Unknown]: "unknown",
  [Code.InvalidArgument]: "invalid_argument",
  [Code.DeadlineExceeded]: "deadline_exceeded",
  [Code.NotFound]: "not_found",
  [Code.AlreadyExists]: "already_exists",
  [Code.PermissionDenied]: "permission_denied",
  [Code.ResourceExhausted]: "resource_exhausted",
  [Code.FailedPrecondition]: "failed_precondition",
  [Code.Aborted]: "aborted",
  [Code.OutOfRange]: "out_of_range",
  [Code.Unimplemented]: "unimplemented",
  [Code.Internal]: "internal",
  [Code.Unavailable]: "unavailable",
  [Code.DataLoss]: "data_loss",
  [Code.Unauthenticated]: "unauthenticated",
};

/** A field of the request that breaks a rule. */
export interface FieldViolation {
  /** As in the proto, with dots: "filter.email". */
  field: string;
  description: string;
}

/** Every failed call throws one. `cause` is the ConnectError that it was made of. */
export class PlinthError extends Error {
  override readonly name = "PlinthError";
  readonly code: FaultCode;
  /** What went wrong, for programs: one of docs/errors.md or of your own services. Empty when no server said anything. */
  readonly reason: Reason;
  /** Finds the call in the platform's logs and in the audit log. Undefined when no server was reached. */
  readonly requestId: string | undefined;
  /** Trying again before makes no sense. Undefined when nothing was said about it. */
  readonly retryAfterMs: number | undefined;
  /** Particulars of the reason (google.rpc.ErrorInfo.metadata). */
  readonly details: Readonly<Record<string, string>>;
  /** Of REQUEST_INVALID; empty otherwise. */
  readonly fieldViolations: readonly FieldViolation[];

  constructor(error: ConnectError) {
    super(error.rawMessage, { cause: error });
    const info = error.findDetails(ErrorInfoSchema).at(0);
    this.code = codes[error.code];
    this.reason = info?.reason ?? "";
    this.details = info?.metadata ?? {};
    this.requestId = error.metadata.get("x-request-id") ?? undefined;
    this.retryAfterMs = retryAfterMs(error);
    this.fieldViolations = fieldViolations(error, this.details["fields"]);
  }
}

/** Whether a call failed for one of these reasons; for any reason when none is named. */
export function isFault(error: unknown): error is PlinthError;
export function isFault<R extends Reason>(
  error: unknown,
  ...reasons: [R, ...R[]]
): error is PlinthError & { readonly reason: R };
export function isFault(error: unknown, ...reasons: Reason[]): boolean {
  // Two copies of the package may be in one program, each with a class of its own.
  if (!(error instanceof Error) || error.name !== "PlinthError") return false;
  return reasons.length === 0 || reasons.includes((error as PlinthError).reason);
}

export const toPlinthError = (thrown: unknown): PlinthError =>
  isFault(thrown) ? thrown : new PlinthError(ConnectError.from(thrown));

function retryAfterMs(error: ConnectError): number | undefined {
  const delay = error.findDetails(RetryInfoSchema).at(0)?.retryDelay;
  if (delay) return Number(delay.seconds) * 1000 + delay.nanos / 1_000_000;
  const seconds = error.metadata.get("retry-after");
  return seconds !== null && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : undefined;
}

/** The platform names the fields in ErrorInfo and says what is wrong in the message, in the same order; others send BadRequest. */
function fieldViolations(error: ConnectError, fields: string | undefined): FieldViolation[] {
  const sent = error.findDetails(BadRequestSchema).flatMap((detail) => detail.fieldViolations);
  if (sent.length > 0) return sent.map(({ field, description }) => ({ field, description }));
  if (!fields) return [];
  const names = fields.split(",");
  const parts = error.rawMessage.split("; ");
  return names.map((field, index) => {
    const part = parts.length === names.length ? (parts[index] as string) : error.rawMessage;
    return { field, description: part.startsWith(`${field}: `) ? part.slice(field.length + 2) : part };
  });
}

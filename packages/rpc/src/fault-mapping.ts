import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { Fault, type FaultCode, faultOf } from "@plinth/kernel";
import { ErrorInfoSchema, RetryInfoSchema } from "@plinth/proto/google/rpc/error_details";

const codes: Record<FaultCode, Code> = {
  canceled: Code.Canceled,
  invalid_argument: Code.InvalidArgument,
  deadline_exceeded: Code.DeadlineExceeded,
  not_found: Code.NotFound,
  already_exists: Code.AlreadyExists,
  permission_denied: Code.PermissionDenied,
  resource_exhausted: Code.ResourceExhausted,
  failed_precondition: Code.FailedPrecondition,
  aborted: Code.Aborted,
  out_of_range: Code.OutOfRange,
  unimplemented: Code.Unimplemented,
  internal: Code.Internal,
  unavailable: Code.Unavailable,
  unauthenticated: Code.Unauthenticated,
};
const faultCodes = new Map(Object.entries(codes).map(([name, code]) => [code, name as FaultCode]));

/** The domain of google.rpc.ErrorInfo (AIP-193). */
export const errorDomain = "plinth.dev";

/** A fault as it goes over the wire, with ErrorInfo and, where trying again helps, RetryInfo and `retry-after`. */
export function faultToConnectError(fault: Fault): ConnectError {
  const error = new ConnectError(fault.message, codes[fault.code]);
  error.details.push({
    desc: ErrorInfoSchema,
    value: { reason: fault.reason, domain: errorDomain, metadata: fault.details },
  });
  if (fault.retryAfterMs !== undefined) {
    const retryDelay = {
      seconds: BigInt(Math.floor(fault.retryAfterMs / 1000)),
      nanos: Math.round((fault.retryAfterMs % 1000) * 1_000_000),
    };
    error.details.push({ desc: RetryInfoSchema, value: create(RetryInfoSchema, { retryDelay }) });
    error.metadata.set("retry-after", String(Math.max(1, Math.ceil(fault.retryAfterMs / 1000))));
  }
  return error;
}

/** What a handler threw, as the caller may see it: faults and protocol errors as they are, anything else as "internal error". */
export function thrownToConnectError(thrown: unknown): ConnectError {
  if (thrown instanceof ConnectError) return thrown;
  const fault = faultOf(thrown);
  if (fault) return faultToConnectError(fault);
  return faultToConnectError(
    new Fault({ code: "internal", reason: "INTERNAL", message: "internal error", cause: thrown }),
  );
}

/** A code as the protocols write it: "permission_denied". */
export const codeName = (code: Code): string =>
  faultCodes.get(code) ?? (code === Code.DataLoss ? "data_loss" : "unknown");

/** The reason that an error carries; empty for one without. */
export const reasonOf = (error: ConnectError): string => error.findDetails(ErrorInfoSchema).at(0)?.reason ?? "";

/** An error that another service answered, as a fault with its reason. */
export function connectErrorToFault(error: ConnectError): Fault {
  const info = error.findDetails(ErrorInfoSchema).at(0);
  const delay = error.findDetails(RetryInfoSchema).at(0)?.retryDelay;
  return new Fault({
    code: faultCodes.get(error.code) ?? "internal",
    reason: info?.reason ?? "UPSTREAM",
    message: error.rawMessage,
    details: info?.metadata ?? {},
    cause: error,
    ...(delay ? { retryAfterMs: Number(delay.seconds) * 1000 + delay.nanos / 1_000_000 } : {}),
  });
}

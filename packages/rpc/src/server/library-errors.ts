import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { ErrorInfoSchema } from "@plinth/proto/google/rpc/error_details";
import { errorDomain } from "../fault-mapping.ts";

/** What the Connect library finds wrong before a call reaches the interceptors, as reasons of ours. */
const reasons: Partial<Record<Code, string>> = {
  [Code.InvalidArgument]: "REQUEST_MALFORMED",
  [Code.ResourceExhausted]: "MESSAGE_TOO_LARGE",
  [Code.Unimplemented]: "PROTOCOL_UNSUPPORTED",
  [Code.DeadlineExceeded]: "DEADLINE_EXCEEDED",
  [Code.Canceled]: "CALL_CANCELED",
};

/** Beginnings of messages for which the library says "internal", although it is the caller's bytes that are broken. */
const callersFault = ["parse binary", "received compressed envelope"];

/**
 * A request gate that shows `explain` the errors which the library itself makes. The library aborts the call's context
 * with the error right before it writes it down: that is the moment to add to it.
 */
export function onError(explain: (error: ConnectError) => void): (context: HandlerContext) => void {
  return ({ signal }) => {
    const look = (): void => {
      if (signal.reason instanceof ConnectError) explain(signal.reason);
    };
    signal.addEventListener("abort", look, { once: true });
  };
}

/** Gives a reason to an error that has none. */
export function giveReason(error: ConnectError): void {
  if (error.findDetails(ErrorInfoSchema).length > 0) return;
  if (error.code === Code.Internal && callersFault.some((beginning) => error.rawMessage.startsWith(beginning)))
    (error as { code: Code }).code = Code.InvalidArgument;
  error.details.push({
    desc: ErrorInfoSchema,
    value: { reason: reasons[error.code] ?? "INTERNAL", domain: errorDomain, metadata: {} },
  });
}

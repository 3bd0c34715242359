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
 * A request gate that gives a reason to errors which the library itself makes. The library aborts the call's context
 * with the error right before it writes it down: that is the moment to add to it.
 */
export function giveReasons({ signal }: HandlerContext): void {
  signal.addEventListener("abort", () => giveReason(signal.reason), { once: true });
}

function giveReason(thrown: unknown): void {
  if (!(thrown instanceof ConnectError) || thrown.findDetails(ErrorInfoSchema).length > 0) return;
  if (thrown.code === Code.Internal && callersFault.some((beginning) => thrown.rawMessage.startsWith(beginning)))
    (thrown as { code: Code }).code = Code.InvalidArgument;
  thrown.details.push({
    desc: ErrorInfoSchema,
    value: { reason: reasons[thrown.code] ?? "INTERNAL", domain: errorDomain, metadata: {} },
  });
}

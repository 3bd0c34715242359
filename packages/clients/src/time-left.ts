import { type CallOptions, createContextKey, createContextValues } from "@connectrpc/connect";
import type { CallContext } from "@plinth/rpc";

/** Until the deadline of the call that is being served, in ms; Infinity for calls that nobody's call led to. */
export const timeLeftKey = createContextKey((): number => Number.POSITIVE_INFINITY, { description: "time left" });

/** Call options that end a call with the one that is being served: when its caller leaves, and at its deadline. */
export const within = (call: Pick<CallContext, "signal" | "timeLeftMs">): CallOptions => ({
  signal: call.signal,
  contextValues: createContextValues().set(timeLeftKey, () => call.timeLeftMs()),
});

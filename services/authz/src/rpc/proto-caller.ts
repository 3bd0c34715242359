import type { CallContext } from "@plinth/rpc";
import type { Caller } from "../commands/caller.ts";

export const toCaller = (context: CallContext): Caller => ({
  actor: context.actor,
  workload: context.workload,
  requestId: context.requestId,
  traceparent: context.traceparent,
  clientAddress: context.clientAddress,
  via: context.via,
  signal: context.signal,
});

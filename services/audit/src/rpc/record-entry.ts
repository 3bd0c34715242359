import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Clock } from "@plinth/kernel";
import type { AuditService } from "@plinth/proto/plinth/audit/v1/audit";
import type { Handler } from "@plinth/rpc";
import { traceIdOf } from "../domain/entry.ts";
import type { EntryStore } from "../store/entry-store.ts";
import { entryToMessage, outcomeFromMessage } from "./entry-message.ts";

export function recordEntry(entries: EntryStore, clock: Clock): Handler<typeof AuditService.method.recordEntry> {
  return async (request, call) => {
    const { id, action, actor, resource, ipAddress } = request;
    const entry = await entries.append({
      ...{ id, action, actor, resource, ipAddress },
      via: request.via || undefined,
      time: request.time ? timestampDate(request.time) : new Date(clock.now()),
      // Who reports it is proven, not claimed.
      source: call.workload ?? call.actor,
      sourceSequence: request.sourceSequence || undefined,
      outcome: outcomeFromMessage(request.outcome) ?? "success",
      requestId: call.requestId,
      traceId: traceIdOf(call.traceparent),
      details: request.details ?? {},
      payload: undefined,
    });
    return entryToMessage(entry);
  };
}

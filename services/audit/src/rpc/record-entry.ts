import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Clock } from "@plinth/kernel";
import type { AuditService } from "@plinth/proto/plinth/audit/v1/audit";
import type { Handler } from "@plinth/rpc";
import { type NewEntry, traceIdOf } from "../domain/entry.ts";
import { refuseTooLarge } from "../domain/entry-limits.ts";
import type { Recorder } from "../recording/recorder.ts";
import { entryToMessage, outcomeFromMessage } from "./entry-message.ts";

export function recordEntry(recorder: Recorder, clock: Clock): Handler<typeof AuditService.method.recordEntry> {
  return async (request, call) => {
    const { id, action, actor, resource, ipAddress } = request;
    const entry: NewEntry = {
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
    };
    refuseTooLarge(entry);
    return entryToMessage(await recorder.record(entry));
  };
}

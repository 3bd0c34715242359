import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { EntryFilter as FilterMessage } from "@plinth/proto/plinth/audit/v1/audit";
import type { EntryFilter } from "../domain/entry.ts";
import { outcomeFromMessage } from "./entry-message.ts";

export function filterFromMessage(message: FilterMessage | undefined): EntryFilter {
  if (!message) return {};
  const { actor, action, resource, source, requestId } = message;
  const outcome = outcomeFromMessage(message.outcome);
  return {
    ...{ actor, action, resource, source, requestId },
    ...(outcome ? { outcome } : {}),
    ...(message.startTime ? { startTime: timestampDate(message.startTime) } : {}),
    ...(message.endTime ? { endTime: timestampDate(message.endTime) } : {}),
  };
}

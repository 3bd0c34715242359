import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type EntrySchema, Outcome as OutcomeMessage } from "@plinth/proto/plinth/audit/v1/audit";
import type { Entry, Outcome } from "../domain/entry.ts";

const outcomeMessages: Record<Outcome, OutcomeMessage> = {
  success: OutcomeMessage.SUCCESS,
  failure: OutcomeMessage.FAILURE,
  denied: OutcomeMessage.DENIED,
};

const outcomeNames = new Map(Object.entries(outcomeMessages).map(([name, value]) => [value, name as Outcome]));

/** Undefined for UNSPECIFIED. */
export const outcomeFromMessage = (outcome: OutcomeMessage): Outcome | undefined => outcomeNames.get(outcome);

export function entryToMessage(entry: Entry): MessageInitShape<typeof EntrySchema> {
  const { payload: _, time, recordTime, outcome, details, ...same } = entry;
  return {
    ...same,
    time: timestampFromDate(time),
    recordTime: timestampFromDate(recordTime),
    outcome: outcomeMessages[outcome],
    details: details as JsonObject,
  };
}

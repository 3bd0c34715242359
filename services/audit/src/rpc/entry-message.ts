import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type EntrySchema,
  Outcome as OutcomeMessage,
  PersonalData as PersonalDataMessage,
} from "@plinth/proto/plinth/audit/v1/audit";
import type { Entry, Outcome, PersonalData } from "../domain/entry.ts";

const outcomeMessages: Record<Outcome, OutcomeMessage> = {
  success: OutcomeMessage.SUCCESS,
  failure: OutcomeMessage.FAILURE,
  denied: OutcomeMessage.DENIED,
};

const outcomeNames = new Map(Object.entries(outcomeMessages).map(([name, value]) => [value, name as Outcome]));

const personalDataMessages: Record<PersonalData, PersonalDataMessage> = {
  readable: PersonalDataMessage.READABLE,
  erased: PersonalDataMessage.ERASED,
  damaged: PersonalDataMessage.DAMAGED,
};

/** Undefined for UNSPECIFIED. */
export const outcomeFromMessage = (outcome: OutcomeMessage): Outcome | undefined => outcomeNames.get(outcome);

export function entryToMessage(entry: Entry): MessageInitShape<typeof EntrySchema> {
  const {
    payload = new Uint8Array(),
    time,
    recordTime,
    outcome,
    details,
    personalData,
    sourceSequence = 0n,
    numbering: _,
    via = "",
    ...same
  } = entry;
  return {
    ...same,
    payload,
    sourceSequence,
    via,
    time: timestampFromDate(time),
    recordTime: timestampFromDate(recordTime),
    outcome: outcomeMessages[outcome],
    details: details as JsonObject,
    personalData: personalDataMessages[personalData],
  };
}

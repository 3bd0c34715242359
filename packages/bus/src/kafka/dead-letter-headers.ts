import type { DeadLetter, Failure } from "../dead-letters.ts";
import type { Origin } from "./handle-batch.ts";
import { fromRecord, headerText, type KafkaRecord } from "./message-headers.ts";

const name = {
  topic: "plinth_topic",
  partition: "plinth_partition",
  offset: "plinth_offset",
  key: "plinth_key",
  error: "plinth_error",
  attempts: "plinth_attempts",
  failedAt: "plinth_failed_at",
} as const;

const errorCharsMax = 4_000;

/** All that the headers tell of. */
type Place = Omit<Origin, "record"> & { record: Pick<KafkaRecord, "key"> };

/** Where a record lay before it became a dead letter, in headers beside its own. */
export const originHeaders = {
  write: ({ topic, partition, offset, record }: Place) => ({
    [name.topic]: topic,
    [name.partition]: String(partition),
    [name.offset]: offset,
    [name.key]: record.key?.toString() ?? "",
  }),
  /** The record with its own key again. Throws an Error when the headers are not there. */
  read(record: KafkaRecord): Origin {
    const topic = headerText(record.headers, name.topic);
    if (topic === undefined)
      throw new Error(`the record has no header ${name.topic}: it was not a dead letter of Plinth`);
    return {
      topic,
      partition: Number(headerText(record.headers, name.partition) ?? 0),
      offset: headerText(record.headers, name.offset) ?? "0",
      record: { ...record, key: headerText(record.headers, name.key) ?? "" },
    };
  },
};

/**
 * Of the record of one death: a message that is handed back and fails again is another letter, which must not be taken for
 * the first one when that is taken off the list.
 */
export const deadLetterKey = (messageId: string, failedAt: Date): string => `${messageId}@${failedAt.toISOString()}`;

export const failureHeaders = (failure: Failure) => ({
  [name.error]: failure.error.slice(0, errorCharsMax),
  [name.attempts]: String(failure.attempts),
  [name.failedAt]: failure.failedAt.toISOString(),
});

/** Undefined for a record that is no dead letter. */
export function deadLetterOf(group: string, record: KafkaRecord): DeadLetter | undefined {
  try {
    const { topic, partition, offset, record: original } = originHeaders.read(record);
    const id = headerText(record.headers, "ce_id") ?? record.key?.toString().split("@")[0] ?? "";
    const headers = { ce_source: "", ce_type: "", ...original.headers, ce_id: id };
    return {
      group,
      message: fromRecord(topic, { ...original, headers }),
      partition,
      position: offset,
      error: headerText(record.headers, name.error) ?? "",
      attempts: Number(headerText(record.headers, name.attempts) ?? 1),
      failedAt: new Date(headerText(record.headers, name.failedAt) ?? Number(record.timestamp)),
    };
  } catch {
    return undefined;
  }
}

import type { IHeaders } from "kafkajs";
import type { BusMessage } from "../bus.ts";

/** What a message is on Kafka: key, protobuf value and headers. */
export interface KafkaRecord {
  key: Buffer | string | null;
  value: Buffer | null;
  headers: IHeaders;
  /** Milliseconds since 1970, as text. */
  timestamp: string;
}

/**
 * CloudEvents 1.0, Kafka protocol binding 1.0.2, binary content mode; extension names are lower-case letters and digits. Without
 * a timestamp, which becomes the time of sending: Kafka counts retention from it, and an event that waited in an outbox or among
 * the dead letters for longer than that would be deleted before anybody read it.
 */
export function toRecord(message: BusMessage): Omit<KafkaRecord, "timestamp"> {
  return {
    key: message.key,
    value: Buffer.from(message.data.buffer, message.data.byteOffset, message.data.byteLength),
    headers: {
      "content-type": "application/protobuf",
      ce_specversion: "1.0",
      ce_id: message.id,
      ce_source: message.source,
      ce_type: message.type,
      ce_subject: message.subject,
      ce_time: message.time.toISOString(),
      ce_actor: message.actor,
      ce_requestid: message.requestId,
      // The first is the CloudEvents extension, the second what consumers with other libraries look for.
      ...(message.traceparent === undefined
        ? {}
        : { ce_traceparent: message.traceparent, traceparent: message.traceparent }),
      ...(message.clientAddress === undefined ? {} : { ce_clientaddress: message.clientAddress }),
      ...(message.via === undefined ? {} : { ce_via: message.via }),
      // CloudEvents wants sequences that compare as text.
      ...(message.sequence === undefined
        ? {}
        : { ce_sequence: String(message.sequence).padStart(sequenceDigits, "0") }),
    },
  };
}

/** As many as a bigint of PostgreSQL has. */
const sequenceDigits = 19;

/** Undefined for what another producer may mean by it. */
const sequenceOf = (text: string | undefined): bigint | undefined =>
  text !== undefined && /^[0-9]{1,19}$/.test(text) && BigInt(text) > 0n ? BigInt(text) : undefined;

/** Throws an Error that says what is missing when a record is not one of ours. */
export function fromRecord(topic: string, record: KafkaRecord): BusMessage {
  const required = (name: string): string => {
    const value = headerText(record.headers, name);
    if (value === undefined) throw new Error(`the record has no header ${name}: it is no CloudEvent of Plinth`);
    return value;
  };
  const time = new Date(headerText(record.headers, "ce_time") ?? Number(record.timestamp));
  return {
    id: required("ce_id"),
    source: required("ce_source"),
    type: required("ce_type"),
    subject: headerText(record.headers, "ce_subject") ?? "",
    time: Number.isNaN(time.getTime()) ? new Date(Number(record.timestamp)) : time,
    topic,
    key: record.key?.toString() ?? "",
    data: record.value ?? new Uint8Array(),
    actor: headerText(record.headers, "ce_actor") ?? "anonymous",
    requestId: headerText(record.headers, "ce_requestid") ?? "",
    traceparent: headerText(record.headers, "ce_traceparent"),
    clientAddress: headerText(record.headers, "ce_clientaddress"),
    via: headerText(record.headers, "ce_via"),
    sequence: sequenceOf(headerText(record.headers, "ce_sequence")),
  };
}

export function headerText(headers: IHeaders | undefined, name: string): string | undefined {
  const value = headers?.[name];
  return (Array.isArray(value) ? value[0] : value)?.toString();
}

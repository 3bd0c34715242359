import type { Entry } from "../domain/entry.ts";

const columns = [
  "sequence",
  "time",
  "record_time",
  "id",
  "source",
  "action",
  "outcome",
  "actor",
  "resource",
  "request_id",
  "trace_id",
  "ip_address",
  "personal_data",
  "details",
  "payload",
  "via",
  "source_sequence",
];

export const csvHeader = `${columns.join(",")}\r\n`;

/** One record of RFC 4180. */
export function csvLine(entry: Entry): string {
  const { sequence, time, recordTime, id, source, action, outcome, actor, resource, requestId, traceId } = entry;
  const cells = [
    ...[String(sequence), time.toISOString(), recordTime.toISOString(), id, source, action, outcome, actor, resource],
    ...[requestId, traceId, entry.ipAddress, entry.personalData, JSON.stringify(entry.details)],
    entry.payload === undefined ? "" : Buffer.from(entry.payload).toString("base64"),
    ...[entry.via ?? "", String(entry.sourceSequence ?? 0)],
  ];
  return `${cells.map(cell).join(",")}\r\n`;
}

/** Spreadsheets run what begins like a formula: an apostrophe keeps such text text. */
function cell(value: string): string {
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

import { createHash } from "node:crypto";
import { Fault } from "@plinth/kernel";
import type { NewEntry } from "./entry.ts";

/** Characters of what an entry has as text. Those of a call are held to the same by its message; an event may come from anybody. */
const charsMax = {
  source: 300,
  action: 200,
  actor: 300,
  resource: 500,
  requestId: 128,
  ipAddress: 45,
  via: 300,
} as const;
/** Of the details as JSON. */
const detailsMaxBytes = 256 * 1024;
/** As large as an event may be. */
const payloadMaxBytes = 256 * 1024;

type TextPart = keyof typeof charsMax;
const textParts = Object.keys(charsMax) as TextPart[];

const charsOf = (entry: NewEntry, part: TextPart): number => entry[part]?.length ?? 0;

/** Throws Fault invalid_argument that says which part of an entry is too large. */
export function refuseTooLarge(entry: NewEntry): void {
  for (const part of textParts)
    if (charsOf(entry, part) > charsMax[part])
      throw tooLarge(part, `${charsOf(entry, part)} characters`, charsMax[part]);
  const bytes = jsonBytes(entry.details);
  if (bytes > detailsMaxBytes) throw tooLarge("details", `${bytes} bytes as JSON`, detailsMaxBytes);
}

const tooLarge = (part: string, has: string, max: number): Fault =>
  new Fault({
    code: "invalid_argument",
    reason: "ENTRY_TOO_LARGE",
    message: `${part}: has ${has}, and ${max} are the most: name what it is about instead of copying it`,
    details: { part },
  });

/**
 * The entry of an event, as large as an entry may be: an event cannot be refused, because those behind it would wait. Text is cut;
 * details that are too large are left out for the payload that they were made of, and a payload that is too large for its size
 * and hash, which tell whether somebody else's copy is the one that was sent.
 */
export function fitted(entry: NewEntry, data: Uint8Array): NewEntry {
  const texts = textParts.filter((part) => charsOf(entry, part) > charsMax[part]);
  const cut = Object.fromEntries(texts.map((part) => [part, entry[part]?.slice(0, charsMax[part]).toWellFormed()]));
  const fits = jsonBytes(entry.details) <= detailsMaxBytes && (entry.payload?.byteLength ?? 0) <= payloadMaxBytes;
  if (fits) return texts.length === 0 ? entry : { ...entry, ...cut };
  if (data.byteLength <= payloadMaxBytes) return { ...entry, ...cut, details: {}, payload: data };
  const omitted = { bytes: data.byteLength, sha256: createHash("sha256").update(data).digest("hex") };
  return { ...entry, ...cut, details: { omitted }, payload: undefined };
}

/** Characters are one to three bytes: most details need not be encoded to know. */
function jsonBytes(details: Record<string, unknown>): number {
  const text = JSON.stringify(details);
  return text.length * 3 <= detailsMaxBytes ? text.length : Buffer.byteLength(text);
}

import { hash } from "node:crypto";
import { Fault } from "@plinth/kernel";
import { formatObject, formatSubject, parseObject, parseSubject } from "../domain/relationship/entity.ts";
import type { Relationship } from "../domain/relationship/relationship.ts";
import type { RelationshipFilter } from "../domain/relationship/relationship-filter.ts";

/** Where a page ended and of which list it was; opaque to callers. */
export function formatPageToken(filter: RelationshipFilter, last: Relationship): string {
  const parts = [filterDigest(filter), formatObject(last.object), last.relation, formatSubject(last.subject)];
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

export function parsePageToken(filter: RelationshipFilter, token: string): Relationship | undefined {
  if (token === "") return undefined;
  const [digest, object, relation, subject] = readParts(token);
  if (digest !== filterDigest(filter)) throw invalid("it belongs to a list with another filter");
  return {
    object: parseObject(object),
    relation,
    subject: parseSubject(subject),
    condition: undefined,
  };
}

function readParts(token: string): [string, string, string, string] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
    if (Array.isArray(parts) && parts.length === 4 && parts.every((part) => typeof part === "string"))
      return parts as [string, string, string, string];
  } catch {
    // Not JSON: refused below.
  }
  throw invalid("it is not one that this list returned");
}

const filterDigest = (filter: RelationshipFilter): string =>
  hash(
    "sha256",
    JSON.stringify([filter.objectType, filter.objectId, filter.relation, filter.subject]),
    "base64url",
  ).slice(0, 16);

const invalid = (problem: string): Fault =>
  new Fault({
    code: "invalid_argument",
    reason: "PAGE_TOKEN_INVALID",
    message: `the page token cannot be used: ${problem}; start without one`,
  });

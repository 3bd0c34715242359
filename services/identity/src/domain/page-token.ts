import { hash } from "node:crypto";
import { Fault } from "@plinth/kernel";

/** Marks the last user that was shown, for one filter: inserts do not move the pages. */
export function encodePageToken(lastId: string, filter: unknown): string {
  return Buffer.from(`${lastId}:${filterDigest(filter)}`).toString("base64url");
}

/** Id after which the page starts; undefined for the first. Throws Fault invalid_argument. */
export function decodePageToken(token: string, filter: unknown): string | undefined {
  if (token === "") return undefined;
  const match = /^([0-9a-f-]{36}):([0-9a-f]{16})$/.exec(Buffer.from(token, "base64url").toString("latin1"));
  if (match && match[2] === filterDigest(filter)) return match[1];
  throw new Fault({
    code: "invalid_argument",
    reason: "PAGE_TOKEN_INVALID",
    message: "page_token must be a next_page_token of an earlier answer to the same filter",
  });
}

const filterDigest = (filter: unknown): string => hash("sha256", JSON.stringify(filter)).slice(0, 16);

import { Fault } from "@plinth/kernel";

/** A page token marks the last sequence number that was shown: entries that come later do not move the pages. */
export function encodePageToken(sequence: bigint): string {
  return Buffer.from(`1:${sequence}`).toString("base64url");
}

/** Undefined for the first page. Throws Fault invalid_argument. */
export function decodePageToken(token: string): bigint | undefined {
  if (token === "") return undefined;
  const match = /^1:(\d{1,18})$/.exec(Buffer.from(token, "base64url").toString("latin1"));
  if (match) return BigInt(match[1] as string);
  throw new Fault({
    code: "invalid_argument",
    reason: "PAGE_TOKEN_INVALID",
    message: "page_token must be a next_page_token of an earlier answer",
  });
}

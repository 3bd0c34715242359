import { Fault } from "@plinth/kernel";

/** A page token marks the last note that was shown: new notes do not move the pages. */
export const encodePageToken = (lastId: string): string => Buffer.from(`1:${lastId}`).toString("base64url");

/** Undefined for the first page. Throws Fault invalid_argument. */
export function decodePageToken(token: string): string | undefined {
  if (token === "") return undefined;
  const match = /^1:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(Buffer.from(token, "base64url").toString());
  if (match) return match[1];
  throw new Fault({
    code: "invalid_argument",
    reason: "PAGE_TOKEN_INVALID",
    message: "page_token must be a next_page_token of an earlier answer",
  });
}

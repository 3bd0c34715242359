import { Fault } from "@plinth/kernel";

/** Marks the last id that was shown; `list` keeps tokens of different lists apart. */
export const encodePageToken = (list: string, lastId: string): string =>
  Buffer.from(`${list}:${lastId}`).toString("base64url");

/** Undefined for the first page. Throws Fault invalid_argument. */
export function decodePageToken(list: string, token: string): string | undefined {
  if (token === "") return undefined;
  const text = Buffer.from(token, "base64url").toString("latin1");
  const id = text.slice(list.length + 1);
  if (text.startsWith(`${list}:`) && /^[0-9a-f-]{36}$/.test(id)) return id;
  throw new Fault({
    code: "invalid_argument",
    reason: "PAGE_TOKEN_INVALID",
    message: "page_token must be a next_page_token of an earlier answer",
  });
}

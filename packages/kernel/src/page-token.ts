import { hash } from "node:crypto";
import { Fault } from "./fault.ts";

/**
 * A page token marks the last item that was shown, for one list and one filter: what is inserted meanwhile neither
 * repeats nor hides anything. `list` is any value that tells lists apart, the filter included.
 */
export function encodePageToken(list: unknown, position: string): string {
  return Buffer.from(`${digestOf(list)}:${position}`).toString("base64url");
}

/** The position; undefined for the first page. Throws Fault invalid_argument for a token of another list or a made-up one. */
export function decodePageToken(list: unknown, token: string, form: RegExp): string | undefined {
  if (token === "") return undefined;
  const text = Buffer.from(token, "base64url").toString("latin1");
  const position = text.slice(17);
  if (text.startsWith(`${digestOf(list)}:`) && form.test(position)) return position;
  throw new Fault({
    code: "invalid_argument",
    reason: "PAGE_TOKEN_INVALID",
    message: "page_token must be a next_page_token of an earlier answer to the same list and filter",
  });
}

/** Positions that are ids. */
export const uuidForm = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const digestOf = (list: unknown): string => hash("sha256", JSON.stringify(list)).slice(0, 16);

import { createHash } from "node:crypto";

/** Something made once and sent as often as it is asked for. */
export interface KeptDocument {
  body: Buffer;
  headers: Readonly<Record<string, string>>;
}

export interface DocumentAnswer {
  status: number;
  headers: Record<string, string>;
  body: Buffer | undefined;
}

/** `headers` with the content type. Readers ask each time whether there is a newer one, and mostly there is not. */
export function keptDocument(text: string, headers: Record<string, string>): KeptDocument {
  const body = Buffer.from(text);
  const hash = createHash("sha256").update(body).digest("base64url");
  return { body, headers: { ...headers, etag: `"${hash}"`, "cache-control": "no-cache" } };
}

export interface DocumentRequest {
  method: string;
  ifNoneMatch: string | undefined;
}

/** What GET and HEAD get (RFC 9110 sections 9.3 and 13.1.2); other methods are told so. */
export function answerDocument(
  { body, headers }: KeptDocument,
  { method, ifNoneMatch }: DocumentRequest,
): DocumentAnswer {
  if (method !== "GET" && method !== "HEAD")
    return { status: method === "OPTIONS" ? 204 : 405, headers: { allow: "GET, HEAD, OPTIONS" }, body: undefined };
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, headers["etag"] ?? "")) {
    const { "content-type": _, ...rest } = headers;
    return { status: 304, headers: rest, body: undefined };
  }
  const sized = { ...headers, "content-length": String(body.byteLength) };
  return { status: 200, headers: sized, body: method === "HEAD" ? undefined : body };
}

/** Compares weakly, as If-None-Match does: compression on the way weakens tags. */
const matches = (given: string, etag: string): boolean =>
  given.split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === etag);

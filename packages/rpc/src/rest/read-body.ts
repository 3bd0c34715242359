import { Fault } from "@plinth/kernel";
import type { NodeRequest } from "../server/one-port-listener.ts";

/**
 * The JSON text of a request; empty when it has no body. Throws Fault MESSAGE_TOO_LARGE, CONTENT_TYPE_UNSUPPORTED or
 * REQUEST_MALFORMED (no UTF-8).
 */
export async function readBody(request: NodeRequest, maxBytes: number): Promise<string> {
  const bytes = await readBytes(request, maxBytes);
  if (bytes.byteLength === 0) return "";
  checkType(request.headers["content-type"] ?? "", request.headers["content-encoding"] ?? "identity");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Fault({ code: "invalid_argument", reason: "REQUEST_MALFORMED", message: "the body is no UTF-8", cause });
  }
}

async function readBytes(request: NodeRequest, maxBytes: number): Promise<Uint8Array> {
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const tooLarge = (maxBytes: number): Fault =>
  new Fault({
    code: "resource_exhausted",
    reason: "MESSAGE_TOO_LARGE",
    message: `the body is larger than ${maxBytes} bytes: send less at once`,
  });

function checkType(contentType: string, encoding: string): void {
  const json = /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(contentType);
  if (json && encoding.toLowerCase() === "identity") return;
  throw new Fault({
    code: "invalid_argument",
    reason: "CONTENT_TYPE_UNSUPPORTED",
    message: json
      ? "the body must not be compressed: send it without content-encoding"
      : "the body must be JSON in UTF-8: send it with content-type: application/json",
  });
}

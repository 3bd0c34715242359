import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { documentPath, isJsonObject } from "@plinth/rpc";
import { readAnswer } from "../data/http1/read-answer.ts";
import type { Upstreams } from "../data/upstreams.ts";
import { readHttp2Answer } from "./read-http2-answer.ts";

const timeoutMs = 3_000;
const partBytesMax = 4 << 20;
/** Values within values of a service's document. */
const nestingMax = 64;

/** Statuses that say that a service has no document, and is none the worse for it. */
const none = new Set([404, 405, 406, 415, 501]);

/**
 * The OpenAPI 3.1 document of a service, from one of its ready endpoints; undefined when it has none. Rejects when it
 * cannot be asked and when what it answers is no such document.
 */
export async function readDocument(upstreams: Upstreams, service: string): Promise<JsonObject | undefined> {
  const endpoint = upstreams.pick(service, []);
  if (endpoint === undefined) throw new Error("the service has no ready endpoint");
  const asked = { target: documentPath, bytesMax: partBytesMax, timeoutMs };
  const { status, body } = await readAnswer(endpoint.pool, {
    ...asked,
    method: "GET",
    host: endpoint.authority,
    headers: ["accept", "application/json"],
  }).catch((err: unknown) =>
    // Servers of gRPC may know HTTP/2 only.
    readHttp2Answer(endpoint, asked).catch(() => {
      throw err;
    }),
  );
  if (none.has(status)) return undefined;
  if (status !== 200) throw new Error(`the service answered ${status}`);
  return documentOf(JSON.parse(body.toString()) as JsonValue);
}

function documentOf(value: JsonValue): JsonObject {
  if (!isJsonObject(value) || typeof value["openapi"] !== "string" || !value["openapi"].startsWith("3.1"))
    throw new Error("the answer is no document of OpenAPI 3.1");
  if (!isShallow(value, nestingMax)) throw new Error(`the document is nested more than ${nestingMax} deep`);
  return value;
}

function isShallow(value: JsonValue, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isShallow(inner as JsonValue, levels - 1));
}

import { readDocument } from "../data/http1/read-document.ts";
import type { Upstreams } from "../data/upstreams.ts";

const timeoutMs = 3_000;
const documentBytesMax = 64 * 1024;

/** Reads the JWKS document of the service `auth` (by its name in `upstreams`) from one of its ready endpoints. */
export async function fetchJwks(upstreams: Upstreams, service: string): Promise<string> {
  const endpoint = upstreams.pick(service, []);
  if (endpoint === undefined) throw new Error("the service auth has no ready endpoint");
  const { status, text } = await readDocument(endpoint.pool, {
    host: endpoint.authority,
    path: "/.well-known/jwks.json",
    accept: "application/json",
    bytesMax: documentBytesMax,
    timeoutMs,
  });
  if (status !== 200) throw new Error(`auth answered ${status} to the request for its JWKS`);
  return text;
}

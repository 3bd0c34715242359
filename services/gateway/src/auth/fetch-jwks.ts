import { readAnswer } from "../data/http1/read-answer.ts";
import type { Upstreams } from "../data/upstreams.ts";

const timeoutMs = 3_000;
const documentBytesMax = 64 * 1024;

/** Reads the JWKS document of the service `auth` (by its name in `upstreams`) from one of its ready endpoints. */
export async function fetchJwks(upstreams: Upstreams, service: string): Promise<string> {
  const endpoint = upstreams.pick(service, []);
  if (endpoint === undefined) throw new Error("the service auth has no ready endpoint");
  const { status, body } = await readAnswer(endpoint.pool, {
    method: "GET",
    target: "/.well-known/jwks.json",
    host: endpoint.authority,
    headers: ["accept", "application/json"],
    bytesMax: documentBytesMax,
    timeoutMs,
  });
  if (status !== 200) throw new Error(`auth answered ${status} to the request for its JWKS`);
  return body.toString();
}

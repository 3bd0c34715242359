import type { Upstreams } from "../data/upstreams.ts";

const timeoutMs = 3_000;
const documentBytesMax = 64 * 1024;

/** Reads the JWKS document of the service `auth` (by its name in `upstreams`) from one of its ready endpoints. */
export async function fetchJwks(upstreams: Upstreams, service: string): Promise<string> {
  const endpoint = upstreams.pick(service, []);
  if (endpoint === undefined) throw new Error("the service auth has no ready endpoint");
  const { statusCode, body } = await endpoint.pool.request({
    method: "GET",
    path: "/.well-known/jwks.json",
    headers: { host: endpoint.authority, accept: "application/json" },
    signal: AbortSignal.timeout(timeoutMs),
  });
  let text = "";
  body.setEncoding("utf8");
  for await (const chunk of body) {
    text += chunk as string;
    if (text.length > documentBytesMax) throw new Error("the JWKS document is too large");
  }
  if (statusCode !== 200) throw new Error(`auth answered ${statusCode} to the request for its JWKS`);
  return text;
}

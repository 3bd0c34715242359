import type { Exchange } from "./exchange.ts";
import { isPlainQuery, normalisePath, targetCharsMax } from "./normalise-path.ts";
import { badRequest, type Refusal, refusals } from "./refusals.ts";
import { headersMax } from "./request-head.ts";

const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
// A registered name, IPv4 address or bracketed IPv6 address, with an optional port.
const authority = /^([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/;
const sane = /^[A-Za-z0-9._-]{1,128}$/;

export const isSaneRequestId = (id: string): boolean => sane.test(id);

/**
 * Checks what two servers could understand differently and fills in path, query and host in the one form that is
 * matched and forwarded. Returns why the request is refused.
 */
export function accept(exchange: Exchange): Refusal | undefined {
  const { head, downstream } = exchange;
  if (head.count > headersMax) return refusals.tooManyHeaders;
  if (head.problem !== "") return badRequest(head.problem);
  if (!methods.has(exchange.method)) return refusals.method;
  if (head.hostCount !== 1) return badRequest("send exactly one Host header");
  if (!authority.test(head.host)) return badRequest("the host is not a host name with an optional port");
  if (head.chunked && head.contentLength !== -1)
    return badRequest("content-length and transfer-encoding exclude each other");
  const target = originForm(downstream.target, head.host);
  if (target === undefined) return badRequest("the request target names another host than the Host header");
  if (target.length > targetCharsMax) return refusals.targetTooLong;
  const mark = target.indexOf("?");
  const normalised = normalisePath(mark === -1 ? target : target.slice(0, mark));
  if (!normalised.ok) return badRequest(normalised.problem);
  exchange.path = normalised.path;
  if (mark !== -1) {
    exchange.query = target.slice(mark);
    if (!isPlainQuery(exchange.query)) return badRequest("the query has a character that must be percent-encoded");
  }
  exchange.host = hostName(head.host);
  return undefined;
}

/** The path of an absolute-form target (RFC 9112 section 3.2.2), when it agrees with Host. */
function originForm(target: string, host: string): string | undefined {
  if (!/^https?:\/\//i.test(target)) return target;
  const start = target.indexOf("//") + 2;
  const slash = target.indexOf("/", start);
  const named = slash === -1 ? target.slice(start) : target.slice(start, slash);
  if (named.toLowerCase() !== host.toLowerCase()) return undefined;
  return slash === -1 ? "/" : target.slice(slash);
}

function hostName(host: string): string {
  const colon = host.lastIndexOf(":");
  const name = colon > host.lastIndexOf("]") ? host.slice(0, colon) : host;
  return name.toLowerCase();
}

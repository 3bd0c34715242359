import type { Exchange } from "./exchange.ts";
import type { ProtocolKind } from "./protocol-kind.ts";
import { isStreaming } from "./protocol-kind.ts";
import type { RequestHead } from "./request-head.ts";
import type { Route } from "./route.ts";

/** Services of the platform refuse longer deadlines: where a route alone sets the time, it tells them up to here. */
const toldMsMax = 300_000;

/** The caller's own deadline in ms, in the header of its protocol; undefined when absent or unreadable. */
export function callerTimeoutMs(kind: ProtocolKind, head: RequestHead): number | undefined {
  switch (kind) {
    case "grpc":
    case "grpc-web":
    case "grpc-web-text":
      return grpcMs(head.grpcTimeout);
    case "connect":
    case "connect-stream":
      return wholeMs(head.connectTimeout);
    case "http":
      return least(wholeMs(head.connectTimeout), secondsMs(head.serverTimeout));
  }
}

/** What is left of the time that the service has for its answer, in ms: the caller's deadline, and for a unary call the route's. */
export function timeLeftMs(exchange: Exchange): number {
  const callerMs = exchange.deadlineMs - exchange.nowMs();
  return isStreaming(exchange.kind) ? callerMs : Math.min(callerMs, routeLeftMs(exchange));
}

function routeLeftMs(exchange: Exchange): number {
  const { timeoutMs, attemptTimeoutMs = Number.POSITIVE_INFINITY } = exchange.route as Route;
  return Math.min(exchange.startedMs + timeoutMs - exchange.nowMs(), attemptTimeoutMs);
}

/**
 * Tells the service what is left, at least 1 ms, in place of what the caller said when it began. Where the caller said nothing,
 * unary calls of the platform's own services are told the route's time.
 */
export function tellTimeLeft(exchange: Exchange, headers: string[]): void {
  const { kind, head, route } = exchange;
  const leftMs = timeLeftMs(exchange);
  const isCallers = Number.isFinite(exchange.deadlineMs);
  if (!isCallers && (leftMs > toldMsMax || exchange.streaming || route?.foreign || saysSomething(head))) return;
  const ms = Math.max(1, Math.floor(leftMs));
  switch (kind) {
    case "grpc":
    case "grpc-web":
    case "grpc-web-text":
      set(headers, "grpc-timeout", ms < 1e8 ? `${ms}m` : `${Math.floor(ms / 1000)}S`);
      return;
    case "connect":
    case "connect-stream":
      set(headers, "connect-timeout-ms", String(ms));
      return;
    case "http":
      if (head.connectTimeout !== "") set(headers, "connect-timeout-ms", String(ms));
      if (head.serverTimeout !== "" || !route?.foreign) set(headers, "x-server-timeout", (ms / 1000).toFixed(3));
  }
}

/** What cannot be read is for the service to refuse. */
const saysSomething = ({ grpcTimeout, connectTimeout, serverTimeout }: RequestHead): boolean =>
  grpcTimeout !== "" || connectTimeout !== "" || serverTimeout !== "";

/** Every value of a name that is there; otherwise at the end. */
function set(headers: string[], name: string, value: string): void {
  let isThere = false;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== name) continue;
    headers[i + 1] = value;
    isThere = true;
  }
  if (!isThere) headers.push(name, value);
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

const wholeMs = (text: string): number | undefined => (/^\d{1,10}$/.test(text) ? Number(text) : undefined);

const secondsMs = (text: string): number | undefined =>
  /^\d{1,7}(\.\d{1,9})?$/.test(text) ? Number(text) * 1000 : undefined;

function grpcMs(text: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * (grpcUnitMs[match[2] as string] as number);
}

const grpcUnitMs: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

import type { CorsPolicy } from "../data/route.ts";
import type { FieldReader } from "./read-field.ts";

const origin = /^(\*|[a-z][a-z0-9+.-]*:\/\/(\*\.)?[A-Za-z0-9.-]+(:\d+)?)$/;
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Headers that Connect and gRPC-web clients send: allowed without being listed. */
export const rpcRequestHeaders: readonly string[] = [
  "authorization",
  "connect-protocol-version",
  "connect-timeout-ms",
  "connect-content-encoding",
  "connect-accept-encoding",
  "content-type",
  "grpc-timeout",
  "traceparent",
  "x-grpc-web",
  "x-request-id",
  "x-user-agent",
];

/** Headers that such clients must be able to read. */
export const rpcResponseHeaders: readonly string[] = [
  "connect-content-encoding",
  "grpc-encoding",
  "grpc-message",
  "grpc-status",
  "grpc-status-details-bin",
  "ratelimit",
  "ratelimit-policy",
  "retry-after",
  "x-request-id",
];

export function compileCors(reader: FieldReader, value: unknown): CorsPolicy | undefined {
  if (value === undefined) return undefined;
  const field = "spec.route.cors";
  const cors = reader.record(value, field);
  if (cors === undefined) return undefined;
  const allowOrigins = reader.texts(cors["allowOrigins"], `${field}.allowOrigins`, []);
  for (const [i, entry] of allowOrigins.entries())
    if (!origin.test(entry))
      reader.report(`${field}.allowOrigins[${i}]`, 'must be "*" or scheme://host, where host may start with "*."');
  const allowCredentials = reader.flag(cors["allowCredentials"], `${field}.allowCredentials`, false);
  if (allowCredentials && allowOrigins.includes("*"))
    reader.report(`${field}.allowCredentials`, 'cannot be true with the origin "*": name the origins');
  return {
    allowOrigins: allowOrigins.map((entry) => entry.toLowerCase()),
    allowMethods: tokens(reader, cors["allowMethods"], `${field}.allowMethods`, ["GET", "POST"]),
    allowHeaders: withDefaults(tokens(reader, cors["allowHeaders"], `${field}.allowHeaders`, []), rpcRequestHeaders),
    exposeHeaders: withDefaults(
      tokens(reader, cors["exposeHeaders"], `${field}.exposeHeaders`, []),
      rpcResponseHeaders,
    ),
    allowCredentials,
    maxAgeSeconds: maxAge(reader, cors["maxAge"], `${field}.maxAge`),
  };
}

function tokens(reader: FieldReader, value: unknown, field: string, fallback: readonly string[]): readonly string[] {
  const list = reader.texts(value, field, fallback);
  for (const [i, entry] of list.entries())
    if (!token.test(entry)) reader.report(`${field}[${i}]`, "must be a method or header name");
  return list;
}

function withDefaults(listed: readonly string[], defaults: readonly string[]): readonly string[] {
  return [...new Set([...defaults, ...listed.map((name) => name.toLowerCase())])].sort();
}

/** A duration ("2h") or a number of seconds. */
function maxAge(reader: FieldReader, value: unknown, field: string): number {
  const limits = { fallback: 7200, min: 0, max: 86_400 };
  if (typeof value === "number") return reader.count(value, field, limits);
  return Math.floor(reader.durationMs(value, field, { fallback: 7_200_000, min: 0, max: 86_400_000 }) / 1000);
}

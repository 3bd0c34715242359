/** Names that come up all the time: found without making a string. */
const names = [
  "accept",
  "accept-encoding",
  "accept-language",
  "access-control-request-headers",
  "access-control-request-method",
  "age",
  "authorization",
  "cache-control",
  "connect-protocol-version",
  "connect-timeout-ms",
  "connection",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-length",
  "content-type",
  "cookie",
  "date",
  "etag",
  "expect",
  "expires",
  "grpc-encoding",
  "grpc-status",
  "grpc-timeout",
  "host",
  "if-modified-since",
  "if-none-match",
  "keep-alive",
  "last-modified",
  "location",
  "origin",
  "pragma",
  "referer",
  "sec-fetch-dest",
  "sec-fetch-mode",
  "sec-fetch-site",
  "server",
  "set-cookie",
  "strict-transport-security",
  "te",
  "trailer",
  "traceparent",
  "tracestate",
  "transfer-encoding",
  "upgrade",
  "user-agent",
  "vary",
  "via",
  "www-authenticate",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
  "x-request-id",
];

/** By length and first letter, the second and third key below. */
const byShape = new Map<number, string[]>();
const shapeOf = (length: number, first: number): number => length * 256 + first;
for (const name of names) {
  const shape = shapeOf(name.length, name.charCodeAt(0));
  byShape.set(shape, [...(byShape.get(shape) ?? []), name]);
}
const lengthMax = Math.max(...names.map((name) => name.length));

/** The field name at `from` to `to` in lower case, where it is a common one. `bytes` holds only token characters there. */
export function commonName(bytes: Uint8Array, from: number, to: number): string | undefined {
  const length = to - from;
  if (length > lengthMax) return undefined;
  const candidates = byShape.get(shapeOf(length, (bytes[from] as number) | 0x20));
  if (candidates === undefined) return undefined;
  for (const name of candidates) if (matches(bytes, from, name)) return name;
  return undefined;
}

function matches(bytes: Uint8Array, from: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const octet = bytes[from + i] as number;
    const lower = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
    if (lower !== name.charCodeAt(i)) return false;
  }
  return true;
}

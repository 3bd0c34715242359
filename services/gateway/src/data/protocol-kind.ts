/** How a caller expects answers and how long they may take. */
export type ProtocolKind = "http" | "connect" | "connect-stream" | "grpc" | "grpc-web" | "grpc-web-text";

/** `contentType` as sent; `connect` whether a Connect header or query marks the request. */
export function protocolKind(contentType: string, connect: boolean): ProtocolKind {
  if (contentType.startsWith("application/")) {
    const rest = contentType.slice(12).toLowerCase();
    if (rest.startsWith("grpc-web-text")) return "grpc-web-text";
    if (rest.startsWith("grpc-web")) return "grpc-web";
    if (rest === "grpc" || rest.startsWith("grpc+") || rest.startsWith("grpc;")) return "grpc";
    if (rest.startsWith("connect+")) return "connect-stream";
  }
  return connect ? "connect" : "http";
}

/** Protocols whose calls may stay open with messages going both ways. */
export const isStreaming = (kind: ProtocolKind): boolean => kind !== "http" && kind !== "connect";

/** The client's own deadline: `connect-timeout-ms` or `grpc-timeout`; undefined when absent or unreadable. */
export function clientTimeoutMs(connectTimeout: string, grpcTimeout: string): number | undefined {
  if (connectTimeout !== "") return /^\d{1,10}$/.test(connectTimeout) ? Number(connectTimeout) : undefined;
  if (grpcTimeout === "") return undefined;
  const match = /^(\d{1,8})([HMSmun])$/.exec(grpcTimeout);
  if (match === null) return undefined;
  return Math.ceil(Number(match[1]) * (grpcUnitMs[match[2] as string] as number));
}

const grpcUnitMs: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

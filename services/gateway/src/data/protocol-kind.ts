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

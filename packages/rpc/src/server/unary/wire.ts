/** How a unary call is written on the wire: protocol and format, told by the content type. */
export interface Wire {
  protocol: "connect" | "grpc" | "grpc-web";
  binary: boolean;
  /** Of answers. */
  contentType: string;
  timeoutHeader: string;
  encodingHeader: string;
  acceptEncodingHeader: string;
}

function wire(protocol: Wire["protocol"], binary: boolean): Wire {
  const format = binary ? "proto" : "json";
  const connect = protocol === "connect";
  return {
    protocol,
    binary,
    contentType: connect ? `application/${format}` : `application/${protocol}+${format}`,
    timeoutHeader: connect ? "connect-timeout-ms" : "grpc-timeout",
    encodingHeader: connect ? "content-encoding" : "grpc-encoding",
    acceptEncodingHeader: connect ? "accept-encoding" : "grpc-accept-encoding",
  };
}

export const connectProto: Wire = wire("connect", true);
export const connectJson: Wire = wire("connect", false);

const byContentType = new Map<string, Wire>([
  ["application/proto", connectProto],
  ["application/json", connectJson],
  ["application/json; charset=utf-8", connectJson],
  ["application/json;charset=utf-8", connectJson],
]);
for (const protocol of ["grpc", "grpc-web"] as const) {
  byContentType.set(`application/${protocol}`, wire(protocol, true));
  byContentType.set(`application/${protocol}+proto`, wire(protocol, true));
  byContentType.set(`application/${protocol}+json`, wire(protocol, false));
}

/** Undefined for streams, and for spellings that are left to the library. */
export const wireOf = (contentType: string | undefined): Wire | undefined => byContentType.get(contentType ?? "");

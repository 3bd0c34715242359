import http2 from "node:http2";
import { fromBinary } from "@bufbuild/protobuf";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { ErrorInfoSchema } from "@plinth/proto/google/rpc/error_details";
import { AuditService } from "@plinth/proto/plinth/audit/v1/audit";
import { startOpenServer } from "@plinth/testing/open-server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { access, defineService, type RpcServer } from "../src/index.ts";

let server: RpcServer;

beforeAll(async () => {
  server = await startOpenServer(
    [
      defineService(AuditService, {
        recordEntry: { access: access.public, handle: async ({ id }) => ({ id }) },
        getEntry: { access: access.public, handle: async ({ id }) => ({ id }) },
        listEntries: { access: access.public, handle: async () => ({}) },
      }),
    ],
    { readMaxBytes: 1_000 },
  );
});
afterAll(async () => server.stop?.(AbortSignal.timeout(1_000)));

interface Told {
  httpStatus: number;
  code: number | string;
  reason: string | undefined;
}

const rpc = "/plinth.audit.v1.AuditService/GetEntry";
const reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/** One request over HTTP/2, its bytes as they are. */
async function call(path: string, headers: Record<string, string>, body: Uint8Array) {
  const session = http2.connect(`http://127.0.0.1:${server.port()}`);
  try {
    const stream = session.request({ ":method": "POST", ":path": path, te: "trailers", ...headers });
    let head: http2.IncomingHttpHeaders = {};
    let trailers: http2.IncomingHttpHeaders = {};
    let endedByHead = false;
    stream.on("response", (answered, flags) => {
      head = answered;
      endedByHead = (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    });
    stream.on("trailers", (sent) => {
      trailers = sent;
    });
    stream.end(body);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return { httpStatus: Number(head[":status"]), head, trailers, body: Buffer.concat(chunks), endedByHead };
  } finally {
    session.close();
  }
}

interface JsonError {
  code: string;
  details?: { type: string; value: string }[];
}

function fromJsonError({ code, details }: JsonError): Omit<Told, "httpStatus"> {
  const info = details?.find(({ type }) => type === "google.rpc.ErrorInfo");
  return { code, reason: info && fromBinary(ErrorInfoSchema, Buffer.from(info.value, "base64")).reason };
}

function fromStatusDetails(fields: Record<string, string | string[] | undefined>): Omit<Told, "httpStatus"> {
  const error = findTrailerError(new Headers(Object.entries(fields).map(([name, value]) => [name, String(value)])));
  return { code: error?.code ?? 0, reason: error?.findDetails(ErrorInfoSchema)[0]?.reason };
}

const withoutPseudo = (headers: http2.IncomingHttpHeaders) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(":")));

const envelope = (text: string, flags = 0) => {
  const data = Buffer.from(text);
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(data.length, 1);
  return Buffer.concat([head, data]);
};

/** How each protocol sends a body, and where it tells of an error. */
const protocols = {
  "Connect unary": {
    path: rpc,
    type: "application/json",
    frame: (text: string) => Buffer.from(text),
    encoding: "content-encoding",
    timeout: "connect-timeout-ms",
    read: (answer: Awaited<ReturnType<typeof call>>) => fromJsonError(JSON.parse(answer.body.toString())),
  },
  "Connect stream": {
    path: reflection,
    type: "application/connect+json",
    frame: envelope,
    encoding: "connect-content-encoding",
    timeout: "connect-timeout-ms",
    read: (answer: Awaited<ReturnType<typeof call>>) =>
      fromJsonError(JSON.parse(answer.body.subarray(5).toString()).error),
  },
  gRPC: {
    path: rpc,
    type: "application/grpc+json",
    frame: envelope,
    encoding: "grpc-encoding",
    timeout: "grpc-timeout",
    read: ({ head, trailers }: Awaited<ReturnType<typeof call>>) =>
      fromStatusDetails(withoutPseudo(head["grpc-status"] === undefined ? trailers : head)),
  },
  "gRPC-web": {
    path: rpc,
    type: "application/grpc-web+json",
    frame: envelope,
    encoding: "grpc-encoding",
    timeout: "grpc-timeout",
    read({ head, body }: Awaited<ReturnType<typeof call>>) {
      if (head["grpc-status"] !== undefined) return fromStatusDetails(withoutPseudo(head));
      const lines = body.subarray(5).toString().trim().split("\r\n");
      return fromStatusDetails(Object.fromEntries(lines.map((line) => line.split(/: ?/, 2) as [string, string])));
    },
  },
};

describe.each(Object.entries(protocols))("%s", (_name, { path, type, frame, encoding, timeout, read }) => {
  const told = async (headers: Record<string, string>, body: Buffer, to = path) => {
    const answer = await call(to, { "content-type": type, ...headers }, body);
    const { code, reason } = read(answer);
    return [code, reason];
  };
  const grpc = type.startsWith("application/grpc");

  test("broken JSON is a malformed request", async () => {
    expect(await told({}, frame("{"))).toEqual([grpc ? 3 : "invalid_argument", "REQUEST_MALFORMED"]);
  });

  test("a wrong type of a field is a malformed request", async () => {
    expect(await told({}, frame('{"id": 7, "host": 7}'))).toEqual([grpc ? 3 : "invalid_argument", "REQUEST_MALFORMED"]);
  });

  test("broken protobuf is the caller's mistake, not ours", async () => {
    const binary = type === "application/json" ? "application/proto" : type.replace("+json", "+proto");
    const answer = await told({ "content-type": binary }, frame("\x0a\x7fshort"));
    expect(answer).toEqual([grpc ? 3 : "invalid_argument", "REQUEST_MALFORMED"]);
  });

  test("a message above the limit is too large", async () => {
    const body = frame(JSON.stringify({ id: "x".repeat(2_000) }));
    expect(await told({}, body)).toEqual([grpc ? 8 : "resource_exhausted", "MESSAGE_TOO_LARGE"]);
  });

  test("a compression that is not known is not supported", async () => {
    expect(await told({ [encoding]: "lzma" }, frame("{}"))).toEqual([
      grpc ? 12 : "unimplemented",
      "PROTOCOL_UNSUPPORTED",
    ]);
  });

  test("a deadline that cannot be read is a malformed request", async () => {
    expect(await told({ [timeout]: "soon" }, frame("{}"))).toEqual([
      grpc ? 3 : "invalid_argument",
      "REQUEST_MALFORMED",
    ]);
  });

  test("an RPC that is not there is unknown", async () => {
    const answer = await told({}, frame("{}"), "/plinth.audit.v1.AuditService/Nope");
    expect(answer).toEqual([grpc ? 12 : "unimplemented", "RPC_UNKNOWN"]);
  });
});

describe("requests of no protocol", () => {
  const told = async (headers: Record<string, string>, path = rpc) => {
    const answer = await call(path, headers, Buffer.from("{}"));
    return [answer.httpStatus, ...Object.values(fromJsonError(JSON.parse(answer.body.toString()))), answer.head.allow];
  };

  test("have a content type that is not supported, in JSON", async () => {
    const unsupported = [415, "invalid_argument", "CONTENT_TYPE_UNSUPPORTED", undefined];
    expect(await told({ "content-type": "text/plain" })).toEqual(unsupported);
    expect(await told({})).toEqual(unsupported);
  });

  test("have a method that is not allowed, in JSON, with the one that is", async () => {
    const answer = await told({ ":method": "PUT", "content-type": "application/json" });
    expect(answer).toEqual([405, "unimplemented", "METHOD_NOT_ALLOWED", "POST"]);
  });

  test("an RPC that is not there has its status in gRPC's trailers, or in a head that ends the stream", async () => {
    const type = { "content-type": "application/grpc" };
    const { head, trailers, endedByHead } = await call("/nothing", type, envelope(""));
    expect(endedByHead ? head["grpc-status"] : trailers["grpc-status"]).toBe("12");
  });

  test("name an RPC that is not there, in JSON with 404", async () => {
    expect(await told({}, "/nothing")).toEqual([404, "unimplemented", "RPC_UNKNOWN", undefined]);
  });
});

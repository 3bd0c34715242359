import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { endStreamFlag, endStreamToJson, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { Fault } from "@plinth/kernel";
import { faultToConnectError } from "../fault-mapping.ts";

/** What may be wrong with a request before it belongs to an RPC. */
export type ProtocolProblem = "rpc-unknown" | "method" | "content-type";

const problems: Record<ProtocolProblem, { status: number; fault: Fault }> = {
  "rpc-unknown": {
    status: 404,
    fault: new Fault({
      code: "unimplemented",
      reason: "RPC_UNKNOWN",
      message: "there is no such RPC here; list them with server reflection",
    }),
  },
  method: {
    status: 405,
    fault: new Fault({
      code: "unimplemented",
      reason: "METHOD_NOT_ALLOWED",
      message: "this RPC does not take that HTTP method: use POST",
    }),
  },
  "content-type": {
    status: 415,
    fault: new Fault({
      code: "invalid_argument",
      reason: "CONTENT_TYPE_UNSUPPORTED",
      message:
        "this RPC does not take that content type: use application/json, application/proto, or one of gRPC or gRPC-web",
    }),
  },
};

/** An answer to such a request in the protocol that `contentType` names; JSON with the HTTP status for all others. */
export function protocolAnswer(problem: ProtocolProblem, contentType: string): UniversalServerResponse {
  const { status, fault } = problems[problem];
  const error = faultToConnectError(fault);
  // gRPC clients take a status in the head only from a head that ends the stream, which is not for an answer to say.
  if (/^application\/grpc([+;]|$)/i.test(contentType)) {
    const header = new Headers({ "content-type": contentType });
    return { status: 200, header, trailer: setTrailerStatus(new Headers(), error) };
  }
  // Without a message the status may stand in the head.
  if (/^application\/grpc-web(-text)?([+;]|$)/i.test(contentType))
    return { status: 200, header: setTrailerStatus(new Headers({ "content-type": contentType }), error) };
  if (/^application\/connect\+/i.test(contentType)) {
    const end = Buffer.from(JSON.stringify(endStreamToJson(new Headers(), error, undefined)));
    return {
      status: 200,
      header: new Headers({ "content-type": contentType }),
      body: once(encodeEnvelope(endStreamFlag, end)),
    };
  }
  const header = new Headers({ "content-type": "application/json" });
  if (problem === "method") header.set("allow", "POST");
  return { status, header, body: once(errorToJsonBytes(error, undefined)) };
}

/** What the library answers without a word, in words. */
export function withWords(response: UniversalServerResponse, contentType: string): UniversalServerResponse {
  if (response.status === 415) return protocolAnswer("content-type", contentType);
  return response.status === 405 ? protocolAnswer("method", contentType) : response;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

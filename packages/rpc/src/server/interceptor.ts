import type { DescMethod } from "@bufbuild/protobuf";
import type { Interceptor, StreamResponse } from "@connectrpc/connect";
import { parseTimeout as parseConnectTimeout } from "@connectrpc/connect/protocol-connect";
import { parseTimeout as parseGrpcTimeout } from "@connectrpc/connect/protocol-grpc";
import type { Clock } from "@plinth/kernel";
import { headOf } from "../http-head.ts";
import { linkedCallEnd } from "./call-end.ts";
import type { CallSteps, ServedRpc } from "./call-steps.ts";
import { peerAddressKey, serverCallKey } from "./server-call.ts";

export interface InterceptorOptions {
  steps: CallSteps;
  rpcOf(method: DescMethod): ServedRpc;
  /** Deadline of calls that bring none. */
  defaultTimeoutMs: number;
  /** Longer ones the library has refused by now. */
  maxTimeoutMs: number;
  clock: Clock;
}

/** Takes calls that the library serves, streams most of all, through the steps of every call. */
export function createInterceptor(options: InterceptorOptions): Interceptor {
  const { steps, rpcOf, defaultTimeoutMs, maxTimeoutMs, clock } = options;
  return (next) => async (request) => {
    const { header, signal, contextValues } = request;
    const givenMs = timeoutOf(header, maxTimeoutMs);
    const end = linkedCallEnd({ signal, givenMs, defaultTimeoutMs, clock });
    const call = steps.begin(headOf(header), contextValues.get(peerAddressKey), end);
    contextValues.set(serverCallKey, call);
    const rpc = rpcOf(request.method);
    if (!request.stream) {
      const answer = await steps.run(rpc, call, request.message, () => next(request));
      answer.header.set("x-request-id", call.requestId);
      return answer;
    }
    const messages = request.message;
    async function* checked() {
      for await (const message of messages) {
        steps.validate(request.method.input, message);
        yield message;
      }
    }
    const handle = () => next({ ...request, message: checked() });
    // The one message of an answer that is no stream is there when the handler is through.
    const answer = await (request.method.methodKind === "client_streaming"
      ? steps.run(rpc, call, undefined, handle)
      : steps.runStream(rpc, call, handle as () => Promise<StreamResponse>));
    answer.header.set("x-request-id", call.requestId);
    return answer;
  };
}

const timeoutOf = (header: Headers, maxMs: number): number | undefined =>
  parseConnectTimeout(header.get("connect-timeout-ms"), maxMs).timeoutMs ??
  parseGrpcTimeout(header.get("grpc-timeout"), maxMs).timeoutMs;

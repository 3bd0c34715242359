import type { DescMethod } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { headOf } from "../http-head.ts";
import { linkedCallEnd } from "./call-end.ts";
import type { CallSteps, ServedRpc } from "./call-steps.ts";
import { peerAddressKey, serverCallKey } from "./server-call.ts";

export interface InterceptorOptions {
  steps: CallSteps;
  rpcOf(method: DescMethod): ServedRpc;
  /** Deadline of calls that bring none. */
  defaultTimeoutMs: number;
}

/** Takes calls that the library serves, streams most of all, through the steps of every call. */
export function createInterceptor({ steps, rpcOf, defaultTimeoutMs }: InterceptorOptions): Interceptor {
  return (next) => async (request) => {
    const { header, signal, contextValues } = request;
    const end = linkedCallEnd(signal, hasDeadline(header) ? undefined : defaultTimeoutMs);
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
    const answer = await steps.run(rpc, call, undefined, () => next({ ...request, message: checked() }));
    answer.header.set("x-request-id", call.requestId);
    return answer.stream
      ? { ...answer, message: explained(answer.message, (err) => steps.fail(rpc, call, err)) }
      : answer;
  };
}

async function* explained<T>(messages: AsyncIterable<T>, explain: (thrown: unknown) => unknown): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (err) {
    throw explain(err);
  }
}

const hasDeadline = (header: Headers): boolean => header.has("connect-timeout-ms") || header.has("grpc-timeout");

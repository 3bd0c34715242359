import type { IncomingMessage } from "node:http";
import { Code, ConnectError, type ConnectRouter, type ContextValues } from "@connectrpc/connect";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { Logger } from "@plinth/kernel";
import type { NodeRequest, NodeResponse } from "./one-port-listener.ts";
import { protocolAnswer, withWords } from "./protocol-answer.ts";

export interface RpcAdapterOptions {
  router: ConnectRouter;
  contextValues: (request: NodeRequest) => ContextValues;
  /** Answers a request that calls no RPC of the router; false: it has nothing for it either. */
  fallback: (request: NodeRequest, response: NodeResponse) => boolean;
  logger: Logger;
}

/** Lets the router's RPCs answer requests of node:http and node:http2, each problem in the protocol of the caller. */
export function createRpcAdapter(options: RpcAdapterOptions): (request: NodeRequest, response: NodeResponse) => void {
  const { router, contextValues, fallback, logger } = options;
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const answer = async (request: NodeRequest, response: NodeResponse): Promise<void> => {
    const contentType = request.headers["content-type"] ?? "";
    const handler = handlers.get(request.url?.split("?", 1)[0] ?? "");
    if (handler === undefined) {
      if (!fallback(request, response))
        await universalResponseToNodeResponse(protocolAnswer("rpc-unknown", contentType), response);
      return;
    }
    const call = universalRequestFromNodeRequest(request, response, undefined, contextValues(request));
    const answered = await handler(isHttp1(request) ? { ...call, body: readToTheEnd(request, response) } : call);
    await universalResponseToNodeResponse(withWords(answered, contentType), response);
  };
  return (request, response) => {
    answer(request, response).catch((err: unknown) => {
      // The caller left; the interceptors have written down everything else that goes wrong in a call.
      if (ConnectError.from(err).code === Code.Aborted) return;
      logger.error({ err, path: request.url }, "an answer could not be written");
      response.destroy();
    });
  };
}

const isHttp1 = (request: NodeRequest): request is IncomingMessage => request.httpVersionMajor === 1;

/**
 * The body of a request whose connection will be used again, even when it is answered early: the library would destroy the
 * request, and Node stops reading for good from a connection with a destroyed request on it.
 */
function readToTheEnd(request: IncomingMessage, response: NodeResponse): AsyncIterable<Uint8Array> {
  response.once("finish", () => request.resume());
  return request.iterator({ destroyOnReturn: false });
}

import http from "node:http";
import type { AddressInfo } from "node:net";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { createOnePortListener, createReflectionSource, reflectionRoutes } from "@plinth/rpc";
import { EchoService, echoHandlers } from "./echo-service.ts";

export interface Upstream {
  port: number;
  /** Requests that arrived. */
  requests: { method: string; url: string; headers: http.IncomingHttpHeaders; body: string }[];
  close(): Promise<void>;
}

/** A service as ours are: Connect, gRPC and gRPC-web on one port, with reflection. */
export async function startRpcUpstream(): Promise<Upstream> {
  const handle = connectNodeAdapter({
    routes: (router) => {
      router.service(EchoService, echoHandlers as never);
      reflectionRoutes(router, createReflectionSource([EchoService]));
    },
  });
  const requests: Upstream["requests"] = [];
  const listener = createOnePortListener({
    host: "127.0.0.1",
    port: 0,
    handle(request, response) {
      requests.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers, body: "" });
      handle(request, response);
    },
  });
  await listener.listen();
  return { port: listener.port(), requests, close: () => listener.close(AbortSignal.timeout(0)) };
}

export type Answer = (request: http.IncomingMessage, response: http.ServerResponse, body: string) => void;

/** A plain HTTP/1.1 service that answers as told; by default with what it got. */
export async function startHttpUpstream(answer: Answer = echoRequest): Promise<Upstream & { server: http.Server }> {
  const requests: Upstream["requests"] = [];
  const server = http.createServer(async (request, response) => {
    let body = "";
    try {
      for await (const chunk of request) body += chunk;
    } catch {
      // The gateway broke the request off, as some tests want it to.
      return;
    }
    requests.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers, body });
    answer(request, response, body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port: (server.address() as AddressInfo).port, requests, close, server };
}

const echoRequest: Answer = (request, response, body) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }));
};

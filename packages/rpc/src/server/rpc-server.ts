import type { IncomingMessage, ServerResponse } from "node:http";
import { createRegistry, type DescMethod } from "@bufbuild/protobuf";
import {
  type ConnectError,
  type ConnectRouter,
  createConnectRouter,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import type { Clock, Component, Health, Logger, Random } from "@plinth/kernel";
import type { Authorizer } from "../access.ts";
import type { Authenticator } from "../auth/authenticator.ts";
import { healthRoutes } from "../builtin/health-service.ts";
import { createReflectionSource, reflectionRoutes } from "../builtin/reflection-service.ts";
import { createDocumentHandler, type OpenApiAbout } from "../openapi/document-handler.ts";
import { createRestHandler } from "../rest/rest-handler.ts";
import type { AnyRoute, ServiceRoutes } from "../service-routes.ts";
import { createCallSteps, type Denial, type ServedRpc } from "./call-steps.ts";
import { createInterceptor } from "./interceptor.ts";
import { giveReason, onError } from "./library-errors.ts";
import { createOnePortListener, type NodeRequest } from "./one-port-listener.ts";
import { createRpcAdapter } from "./rpc-adapter.ts";
import { peerAddressKey, serverCallKey } from "./server-call.ts";
import { createUnaryServer } from "./unary/unary-server.ts";

/** Plain HTTP beside the RPCs, by exact path; a path that ends in a slash takes everything below it as well. */
export type HttpRoutes = Record<string, (request: IncomingMessage, response: ServerResponse) => void>;

export interface RpcServerOptions {
  host: string;
  /** 0 picks a free port. */
  port: number;
  services: readonly ServiceRoutes[];
  authenticator: Authenticator;
  authorizer: Authorizer;
  health: Health;
  logger: Logger;
  clock: Clock;
  random: Random;
  httpRoutes?: HttpRoutes;
  /** Absent: the server has no OpenAPI document. */
  openApi?: OpenApiAbout;
  /** Told of every call that is refused for want of a permission. */
  onDenied?: ((denial: Denial) => void) | undefined;
  /** One request message at most. Default 4 MiB, as in gRPC. */
  readMaxBytes?: number;
  /** One response message at most. Default 16 MiB. */
  writeMaxBytes?: number;
  /** Longer deadlines are refused. Default 5 min. */
  maxTimeoutMs?: number;
  /** Deadline of calls that bring none. Default 30 s. */
  defaultTimeoutMs?: number;
  /** Calls in hand at most. Default 2,000. */
  callsMax?: number;
  /** Adds to errors that are made before or around the handler. Default: ErrorInfo with a reason. */
  explainError?: (error: ConnectError) => void;
}

export interface RpcServer extends Component {
  port(): number;
}

/** Serves Connect, gRPC and gRPC-web, binary and JSON, and REST over HTTP/1.1 and h2c on one port, with health, reflection and an OpenAPI document. */
export function createRpcServer(options: RpcServerOptions): RpcServer {
  const { services, httpRoutes = {}, health } = options;
  const limits = {
    readMaxBytes: options.readMaxBytes ?? 4 << 20,
    writeMaxBytes: options.writeMaxBytes ?? 16 << 20,
    maxTimeoutMs: options.maxTimeoutMs ?? 300_000,
    defaultTimeoutMs: options.defaultTimeoutMs ?? 30_000,
  };
  const explainError = options.explainError ?? giveReason;
  // Messages of the services' own files can stand in a google.protobuf.Any in JSON.
  const registry = createRegistry(...services.map(({ service }) => service.file));
  const steps = createCallSteps({ ...options, callsMax: options.callsMax ?? 2_000, explainError });
  const rpcs = new Map<DescMethod, ServedRpc>();
  const shutdown = new AbortController();
  const router = createConnectRouter({
    ...limits,
    acceptCompression: [compressionGzip, compressionBrotli],
    requestGate: onError(explainError),
    interceptors: [
      createInterceptor({
        steps,
        rpcOf: (method) => rpcs.get(method) ?? steps.rpc(method, undefined),
        ...limits,
        clock: options.clock,
      }),
    ],
    shutdownSignal: shutdown.signal,
    jsonOptions: { registry },
  });
  const unary = createUnaryServer({ ...options, ...limits, steps, registry, explainError });
  for (const { service, routes } of services) {
    for (const method of service.methods) {
      const route = routes.get(method.localName);
      if (!route) continue;
      const rpc = steps.rpc(method, route);
      rpcs.set(method, rpc);
      if (method.methodKind === "unary") unary.add(method, rpc, route.handle);
      registerRoute(router, method, route);
    }
  }
  healthRoutes(
    router,
    health,
    services.map(({ service }) => service.typeName),
  );
  reflectionRoutes(router, createReflectionSource(services.map(({ service }) => service)));
  const contextValues = ({ socket }: NodeRequest) =>
    createContextValues().set(peerAddressKey, socket.remoteAddress ?? "");
  const rest = createRestHandler({ ...options, ...limits, registry, handlers: router.handlers, contextValues });
  const documents = options.openApi && createDocumentHandler({ ...options, ...options.openApi });
  const handleByLibrary = createRpcAdapter({
    router,
    contextValues,
    fallback: (request, response) =>
      rest(request, response) ||
      answerPlainHttp(httpRoutes, request as IncomingMessage, response as ServerResponse) ||
      (documents?.(request, response) ?? false),
    logger: options.logger,
  });
  const listener = createOnePortListener({
    host: options.host,
    port: options.port,
    handleStream: unary.stream,
    handle(request, response) {
      if (request.httpVersionMajor === 1 && unary.request(request as IncomingMessage, response as ServerResponse))
        return;
      handleByLibrary(request, response);
    },
  });
  return {
    name: "rpc server",
    port: () => listener.port(),
    start: () => listener.listen(),
    async stop(signal) {
      // Long streams end when the time for stopping is half over would be guesswork: they end at its end.
      signal.addEventListener("abort", () => shutdown.abort(), { once: true });
      await listener.close(signal);
    },
  };
}

function registerRoute(router: ConnectRouter, method: DescMethod, route: AnyRoute): void {
  const implementation = (input: unknown, { values, responseHeader, responseTrailer }: HandlerContext) => {
    const call = values.get(serverCallKey);
    if (call === undefined) throw new Error("the interceptor did not make the call");
    call.sendThrough(responseHeader, responseTrailer);
    return route.handle(input as never, call);
  };
  // The route's type was checked against this method by defineService.
  router.rpc(method, implementation as never);
}

function answerPlainHttp(routes: HttpRoutes, request: IncomingMessage, response: ServerResponse): boolean {
  const path = request.url?.split("?", 1)[0] ?? "";
  const name = Object.hasOwn(routes, path)
    ? path
    : Object.keys(routes).find((prefix) => prefix.endsWith("/") && path.startsWith(prefix));
  const route = name === undefined ? undefined : routes[name];
  route?.(request, response);
  return route !== undefined;
}

import type { DescMethodServerStreaming, DescMethodUnary, Registry } from "@bufbuild/protobuf";
import { ConnectError, type ContextValues } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { Fault, isFault, type Logger } from "@plinth/kernel";
import { faultToConnectError, thrownToConnectError } from "../fault-mapping.ts";
import type { NodeRequest, NodeResponse } from "../server/one-port-listener.ts";
import type { ServiceRoutes } from "../service-routes.ts";
import { bindRequest, type RequestMessage } from "./bind-request.ts";
import { callHeaders, createInProcessTransport } from "./call-in-process.ts";
import { type HttpBinding, httpBindingsOf } from "./http-bindings.ts";
import { readBody } from "./read-body.ts";
import { type AnswerWriter, createAnswerWriter } from "./rest-answer.ts";
import { createRestRouter, type RestMatch } from "./rest-router.ts";
import { serverTimeoutMs } from "./server-timeout.ts";

export interface RestHandlerOptions {
  services: readonly ServiceRoutes[];
  /** The RPCs' own handlers: REST is another way to call them. */
  handlers: readonly UniversalHandler[];
  /** What the RPCs' interceptors know of a request besides its headers. */
  contextValues: (request: NodeRequest) => ContextValues;
  /** Types that google.protobuf.Any may hold. */
  registry: Registry;
  logger: Logger;
  /** One request body at most. */
  readMaxBytes: number;
}

/**
 * Answers calls by the `google.api.http` options of the services' RPCs; returns false for a path that belongs to none.
 * Throws Error for options that cannot be followed.
 */
export function createRestHandler(
  options: RestHandlerOptions,
): (request: NodeRequest, response: NodeResponse) => boolean {
  const { services, contextValues, registry, readMaxBytes, logger } = options;
  // Of two routes of one service the later one is called, here as by the handlers' paths.
  const byName = new Map(services.map((routes) => [routes.service.typeName, routes]));
  const bindings = [...byName.values()].flatMap(({ service, routes }) =>
    httpBindingsOf(service).filter(({ rpc }) => routes.has(rpc.localName)),
  );
  const router = createRestRouter(bindings);
  const prefixes = new Set(bindings.flatMap(({ template }) => prefixOf(template.text)));
  const handlers = new Map(options.handlers.map((handler) => [handler.requestPath, handler]));
  const call = createCall({ registry, handlers, contextValues, readMaxBytes, logger });
  return (request, response) => {
    const [path = "", query = ""] = splitTarget(request.url ?? "");
    const method = request.method ?? "GET";
    let match = router.match(method, path);
    if (method === "HEAD" && match.kind === "method") match = asHead(router.match("GET", path), match);
    const leadsNowhere = match.kind === "none" || match.kind === "malformed";
    if (leadsNowhere && !prefixOf(path).some((prefix) => prefixes.has(prefix))) return false;
    // What is left unread of a request must not keep its connection from the next one.
    response.once("finish", () => request.resume());
    const answer = createAnswerWriter(response, { registry, headOnly: method === "HEAD" });
    answerMatch(match, method, answer, (binding, values) =>
      call({ binding, request, response, answer, values, query }),
    ).catch((err: unknown) => {
      logger.error({ err, path }, "an answer could not be written");
      response.destroy();
    });
    return true;
  };
}

type Found = Extract<RestMatch<HttpBinding>, { kind: "found" }>;

async function answerMatch(
  match: RestMatch<HttpBinding>,
  method: string,
  answer: AnswerWriter,
  call: (binding: HttpBinding, values: Found["values"]) => Promise<void>,
): Promise<void> {
  switch (match.kind) {
    case "found":
      return call(match.target, match.values);
    case "method": {
      const allow = allowHeader(match.allowed);
      if (method === "OPTIONS") return answer.empty(204, { allow });
      return answer.error(faultToConnectError(methodNotAllowed(allow)), { allow });
    }
    case "malformed":
      return answer.error(faultToConnectError(pathMalformed));
    case "none":
      return answer.error(faultToConnectError(pathUnknown));
  }
}

interface Call {
  binding: HttpBinding;
  request: NodeRequest;
  response: NodeResponse;
  answer: AnswerWriter;
  values: Found["values"];
  /** Percent-encoded. */
  query: string;
}

interface CallOptions extends Pick<RestHandlerOptions, "contextValues" | "registry" | "readMaxBytes" | "logger"> {
  /** By path. */
  handlers: ReadonlyMap<string, UniversalHandler>;
}

function createCall({ registry, handlers, contextValues, readMaxBytes, logger }: CallOptions) {
  return async ({ binding, request, response, answer, values, query }: Call): Promise<void> => {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    try {
      const headers = callHeaders(request.headers);
      const timeoutMs = serverTimeoutMs(request);
      if (timeoutMs !== undefined) headers.set("connect-timeout-ms", String(timeoutMs));
      const body = await readBody(request, readMaxBytes);
      const message = bindRequest(binding, { values, query, body }, registry);
      const transport = createInProcessTransport(handlers, contextValues(request));
      const { rpc } = binding;
      if (rpc.methodKind === "unary")
        await answer.message(
          binding,
          await transport.unary(rpc as DescMethodUnary, gone.signal, undefined, headers, message),
        );
      else
        await answer.lines(
          binding,
          await transport.stream(rpc as DescMethodServerStreaming, gone.signal, undefined, headers, once(message)),
        );
    } catch (err) {
      // Nobody is left to read it.
      if (gone.signal.aborted) return;
      // What the call itself threw is written down already: here it is a ConnectError.
      if (!(err instanceof ConnectError || isFault(err)))
        logger.error(
          { err, rpc: `${binding.rpc.parent.typeName}/${binding.rpc.name}` },
          "a REST call failed around its RPC",
        );
      answer.error(thrownToConnectError(err));
    }
  };
}

async function* once(message: RequestMessage): AsyncGenerator<RequestMessage> {
  yield message;
}

/** The head of what GET answers; a stream has none before it runs. */
const asHead = (get: RestMatch<HttpBinding>, otherwise: RestMatch<HttpBinding>): RestMatch<HttpBinding> =>
  get.kind === "found" && get.target.rpc.methodKind === "unary" ? get : otherwise;

/** The first two literal segments, "/service/version/": paths below it are answered here even when they lead nowhere. */
const prefixOf = (path: string): string[] => /^\/[^/{*:]+\/[^/{*:]+\//.exec(path)?.slice(0, 1) ?? [];

const splitTarget = (url: string): [string, string] => {
  const mark = url.indexOf("?");
  return mark === -1 ? [url, ""] : [url.slice(0, mark), url.slice(mark + 1)];
};

const allowHeader = (allowed: readonly string[]): string =>
  [...new Set([...allowed, ...(allowed.includes("GET") ? ["HEAD"] : []), "OPTIONS"])].toSorted().join(", ");

const methodNotAllowed = (allow: string): Fault =>
  new Fault({
    code: "unimplemented",
    reason: "METHOD_NOT_ALLOWED",
    message: `this path does not take that HTTP method: use ${allow}`,
  });

const pathUnknown = new Fault({
  code: "not_found",
  reason: "PATH_UNKNOWN",
  message: "no call has this path: they stand beside the RPCs in the proto files, as google.api.http",
});

const pathMalformed = new Fault({
  code: "invalid_argument",
  reason: "REQUEST_MALFORMED",
  message: "the path has a broken percent-encoding",
});

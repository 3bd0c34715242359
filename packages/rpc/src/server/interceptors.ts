import type { DescMethod } from "@bufbuild/protobuf";
import { Code, type Interceptor, type StreamRequest, type UnaryRequest } from "@connectrpc/connect";
import { context, metrics, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { type Clock, Fault, type Logger, type Random } from "@plinth/kernel";
import { type Authorizer, enforceAccess } from "../access.ts";
import type { Authenticator } from "../auth/authenticator.ts";
import { reasonOf, thrownToConnectError } from "../fault-mapping.ts";
import { actorOf, anonymous, type CallContext } from "../principal.ts";
import type { AnyRoute } from "../service-routes.ts";
import { createRequestValidation } from "../validation.ts";
import { callContextKey, peerAddressKey } from "./call-state.ts";

export interface InterceptorOptions {
  authenticator: Authenticator;
  authorizer: Authorizer;
  logger: Logger;
  clock: Clock;
  random: Random;
  /** Calls in hand at most; more are refused at once. */
  callsMax: number;
  /** Deadline of calls that bring none. */
  defaultTimeoutMs: number;
  /** Told of every call that is refused for want of a permission. */
  onDenied?: ((denial: Denial) => void) | undefined;
  /** The rule and handler of an RPC. */
  routeOf(method: DescMethod): AnyRoute | undefined;
}

/** A call that was refused with permission_denied, by its access rule or by its handler. */
export interface Denial {
  /** "package.Service/Rpc" */
  rpc: string;
  reason: string;
  call: Pick<CallContext, "actor" | "workload" | "requestId" | "traceparent" | "remoteAddress">;
}

type AnyRequest = UnaryRequest | StreamRequest;

/** What every call passes, in this order. */
export function createInterceptors(options: InterceptorOptions): Interceptor[] {
  return [
    requestIdentity(options), // request id, peer, deadline: the context that all others fill
    tracing(), // one span per call; its ids are in every log line of the call
    errorMapping(options), // faults to codes; anything unknown to "internal error", logged once
    callLimit(options), // refuses early when too much is in hand
    authentication(options), // who calls
    accessRule(options), // whether they may
    validation(), // whether the request makes sense
  ];
}

const saneRequestId = /^[A-Za-z0-9._-]{1,128}$/;

function requestIdentity({ logger, clock, random, defaultTimeoutMs }: InterceptorOptions): Interceptor {
  return (next) => (request) => {
    const given = request.header.get("x-request-id") ?? "";
    const requestId = saneRequestId.test(given) ? given : random.uuidv7(clock.now());
    const call: CallContext = {
      principal: anonymous,
      workload: undefined,
      actor: "anonymous",
      accessToken: undefined,
      requestId,
      traceparent: undefined,
      remoteAddress: request.contextValues.get(peerAddressKey),
      userAgent: (request.header.get("user-agent") ?? "").slice(0, 256),
      signal: hasDeadline(request.header)
        ? request.signal
        : AbortSignal.any([request.signal, AbortSignal.timeout(defaultTimeoutMs)]),
      logger: logger.child({ request_id: requestId }),
      requestHeader: request.header,
      responseHeader: new Headers(),
      responseTrailer: new Headers(),
    };
    request.contextValues.set(callContextKey, call);
    return next(request);
  };
}

const hasDeadline = (header: Headers): boolean => header.has("connect-timeout-ms") || header.has("grpc-timeout");

function tracing(): Interceptor {
  const tracer = trace.getTracer("plinth.rpc");
  const duration = metrics.getMeter("plinth.rpc").createHistogram("rpc.server.call.duration", {
    unit: "s",
    description: "Duration of RPCs as the server sees them",
    advice: { explicitBucketBoundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] },
  });
  return (next) => async (request) => {
    const name = rpcName(request);
    const parent = propagation.extract(context.active(), request.header, headerGetter);
    const span = tracer.startSpan(
      name,
      { kind: SpanKind.SERVER, attributes: { "rpc.system.name": "connectrpc", "rpc.method": name } },
      parent,
    );
    const { traceId, spanId, traceFlags } = span.spanContext();
    const call = request.contextValues.get(callContextKey);
    call.traceparent = `00-${traceId}-${spanId}-0${traceFlags & 1}`;
    span.setAttribute("plinth.request_id", call.requestId);
    const begin = performance.now();
    let code = "ok";
    try {
      return await context.with(trace.setSpan(parent, span), () => next(request));
    } catch (err) {
      code = Code[thrownToConnectError(err).code]?.toLowerCase() ?? "unknown";
      span.setStatus({ code: SpanStatusCode.ERROR, message: code });
      throw err;
    } finally {
      duration.record((performance.now() - begin) / 1000, { "rpc.method": name, "rpc.response.status_code": code });
      span.end();
    }
  };
}

const headerGetter = {
  keys: (header: Headers): string[] => [...header.keys()],
  get: (header: Headers, key: string): string | undefined => header.get(key) ?? undefined,
};

function errorMapping({ logger, onDenied }: InterceptorOptions): Interceptor {
  return (next) => async (request) => {
    const call = request.contextValues.get(callContextKey);
    try {
      const response = await next(request);
      response.header.set("x-request-id", call.requestId);
      return response;
    } catch (err) {
      const error = thrownToConnectError(call.signal.aborted && !request.signal.aborted ? deadlineExceeded(err) : err);
      error.metadata.set("x-request-id", call.requestId);
      logFailure(logger, request, call, error.code, err);
      if (error.code === Code.PermissionDenied) {
        onDenied?.({ rpc: rpcName(request), reason: reasonOf(error), call });
      }
      throw error;
    }
  };
}

const rpcName = (request: AnyRequest): string => `${request.service.typeName}/${request.method.name}`;

const deadlineExceeded = (cause: unknown): Fault =>
  new Fault({ code: "deadline_exceeded", reason: "DEADLINE_EXCEEDED", message: "the call took too long", cause });

function logFailure(logger: Logger, request: AnyRequest, call: CallContext, code: Code, err: unknown): void {
  const fields = {
    rpc: rpcName(request),
    code: Code[code],
    request_id: call.requestId,
    actor: call.actor,
    err,
  };
  if (code === Code.Internal || code === Code.Unknown || code === Code.DataLoss) logger.error(fields, "call failed");
  else if (code === Code.Unavailable || code === Code.DeadlineExceeded) logger.warn(fields, "call failed");
  else logger.debug(fields, "call refused");
}

function callLimit({ callsMax }: InterceptorOptions): Interceptor {
  let inHand = 0;
  return (next) => async (request) => {
    if (inHand >= callsMax) {
      throw new Fault({
        code: "resource_exhausted",
        reason: "TOO_MANY_CALLS",
        message: "too many calls at once, try again shortly",
        retryAfterMs: 1_000,
      });
    }
    inHand++;
    try {
      return await next(request);
    } finally {
      inHand--;
    }
  };
}

function authentication({ authenticator }: InterceptorOptions): Interceptor {
  return (next) => async (request) => {
    const call = request.contextValues.get(callContextKey);
    const caller = await authenticator.authenticate(request.header);
    call.principal = caller.principal;
    call.workload = caller.workload;
    call.accessToken = caller.accessToken;
    call.actor = actorOf(caller.principal);
    if (caller.throughEdge) call.remoteAddress = request.header.get("x-plinth-client-address") ?? call.remoteAddress;
    return next(request);
  };
}

function accessRule({ routeOf, authorizer }: InterceptorOptions): Interceptor {
  return (next) => async (request) => {
    const route = routeOf(request.method);
    // Built-in services (health, reflection) have no route and are public.
    if (route) {
      const message = request.stream ? undefined : request.message;
      await enforceAccess(route.access, message, request.contextValues.get(callContextKey), authorizer);
    }
    return next(request);
  };
}

function validation(): Interceptor {
  const validate = createRequestValidation();
  return (next) => async (request) => {
    if (!request.stream) {
      validate(request.method.input, request.message);
      return next(request);
    }
    const messages = request.message;
    async function* checked() {
      for await (const message of messages) {
        validate(request.method.input, message);
        yield message;
      }
    }
    return next({ ...request, message: checked() });
  };
}

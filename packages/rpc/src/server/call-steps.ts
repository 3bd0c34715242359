import type { DescMessage, DescMethod, Message } from "@bufbuild/protobuf";
import { Code, type ConnectError } from "@connectrpc/connect";
import { context, propagation, type Span, type SpanContext, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import {
  type Clock,
  cellHistogram,
  Fault,
  type HistogramCell,
  type Logger,
  type Random,
  withRequestId,
} from "@plinth/kernel";
import { type Authorizer, enforceAccess } from "../access.ts";
import type { Authenticator } from "../auth/authenticator.ts";
import { codeName, reasonOf, thrownToConnectError } from "../fault-mapping.ts";
import type { HttpHead } from "../http-head.ts";
import { actorOf, type CallContext } from "../principal.ts";
import type { AnyRoute } from "../service-routes.ts";
import { createRequestValidation } from "../validation.ts";
import { type CallEnd, endError } from "./call-end.ts";
import { ServerCall } from "./server-call.ts";

export interface CallStepsOptions {
  authenticator: Authenticator;
  authorizer: Authorizer;
  logger: Logger;
  clock: Clock;
  random: Random;
  /** Calls in hand at most; more are refused at once. */
  callsMax: number;
  /** Told of every call that is refused for want of a permission. */
  onDenied?: ((denial: Denial) => void) | undefined;
  /** Adds to an error before anybody sees it. */
  explainError(error: ConnectError): void;
}

/** A call that was refused with permission_denied, by its access rule or by its handler. */
export interface Denial {
  /** "package.Service/Rpc" */
  rpc: string;
  reason: string;
  call: Pick<
    CallContext,
    "actor" | "via" | "workload" | "requestId" | "traceparent" | "remoteAddress" | "clientAddress"
  >;
}

/** An RPC with what is the same for all its calls. */
export interface ServedRpc {
  /** "package.Service/Rpc" */
  name: string;
  input: DescMessage;
  /** Built-in services (health, reflection) have no route and are public. */
  route: AnyRoute | undefined;
  /** Of its spans. */
  attributes: Record<string, string>;
  /** Durations by how calls ended: "ok" or a code. */
  durations: Map<string, HistogramCell>;
}

/** What every call passes, whichever way it came in. */
export interface CallSteps {
  rpc(method: DescMethod, route: AnyRoute | undefined): ServedRpc;
  /** The call of a request: its id, its peer and its end; all others fill it. */
  begin(head: HttpHead, remoteAddress: string, end: CallEnd): ServerCall;
  /**
   * Takes a call through all steps to its handler and back. `message` is the request of a unary or server-streaming call.
   * Throws ConnectErrors only.
   */
  run<T>(rpc: ServedRpc, call: ServerCall, message: unknown, handle: () => T | Promise<T>): Promise<T>;
  /** The same for an RPC that answers with a stream: its span and its duration end when the stream does, with its code. */
  runStream<T extends Streamed>(rpc: ServedRpc, call: ServerCall, handle: () => Promise<T>): Promise<T>;
  validate(schema: DescMessage, message: Message): void;
}

interface Streamed {
  readonly message: AsyncIterable<unknown>;
}

/** One call while it is watched. */
interface Watched {
  inside<T>(run: () => T): T;
  /** The first end counts. */
  end(code: string): void;
  /** As its caller may see it, logged. */
  fail(thrown: unknown): ConnectError;
}

/** Attributes are for those spans that record: the SDK would look at them for all. */
const spanOptions = { kind: SpanKind.SERVER };
const saneRequestId = /^[A-Za-z0-9._-]{1,128}$/;

export function createCallSteps(options: CallStepsOptions): CallSteps {
  const { authenticator, authorizer, logger, clock, random, callsMax, onDenied, explainError } = options;
  const tracer = trace.getTracer("plinth.rpc");
  const durations = cellHistogram({
    name: "rpc.server.call.duration",
    unit: "s",
    description: "Duration of RPCs as the server sees them",
    boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  });
  const validate = createRequestValidation();
  let inHand = 0;

  /** One span per call; its ids are in every log line of the call. */
  function watch(rpc: ServedRpc, call: ServerCall): Watched {
    const parent = propagation.extract(context.active(), call.head, headGetter);
    const span = tracer.startSpan(rpc.name, spanOptions, parent);
    call.traceparent = traceparentOf(span.spanContext());
    if (span.isRecording()) span.setAttributes({ ...rpc.attributes, "plinth.request_id": call.requestId });
    const inner = trace.setSpan(withRequestId(parent, call.requestId), span);
    const beginMs = clock.monotonicMs();
    let isOver = false;
    function end(code: string, error?: ConnectError): void {
      if (isOver) return;
      isOver = true;
      if (error !== undefined) tellFailure(span, error, code);
      else if (code !== "ok") {
        span.setAttribute("rpc.response.status_code", code);
        span.setStatus({ code: SpanStatusCode.ERROR, message: code });
      }
      durationOf(rpc, code).record((clock.monotonicMs() - beginMs) / 1000);
      span.end();
    }
    return {
      inside: (run) => context.with(inner, run),
      end,
      fail(thrown) {
        const error = context.with(inner, () => mapError(rpc, call, thrown));
        end(codeName(error.code), error);
        return error;
      },
    };
  }

  async function run<T>(rpc: ServedRpc, call: ServerCall, message: unknown, handle: () => T | Promise<T>): Promise<T> {
    const watched = watch(rpc, call);
    try {
      const result = await watched.inside(() => pass(rpc, call, message, handle));
      watched.end("ok");
      return result;
    } catch (err) {
      throw named(watched.fail(err), call);
    }
  }

  async function runStream<T extends Streamed>(rpc: ServedRpc, call: ServerCall, handle: () => Promise<T>): Promise<T> {
    const watched = watch(rpc, call);
    try {
      const answer = await watched.inside(() => pass(rpc, call, undefined, handle));
      // A handler that does not notice that its caller left is no reason to go on counting.
      const over = (): void => watched.end(call.end.cause === "deadline" ? "deadline_exceeded" : "canceled");
      call.signal.addEventListener("abort", over, { once: true });
      return { ...answer, message: followed(answer.message, watched) };
    } catch (err) {
      throw named(watched.fail(err), call);
    }
  }

  async function pass<T>(rpc: ServedRpc, call: ServerCall, message: unknown, handle: () => T | Promise<T>): Promise<T> {
    // Refuses early when too much is in hand.
    if (inHand >= callsMax) throw tooManyCalls();
    inHand++;
    try {
      // Who calls.
      const caller = await authenticator.authenticate(call.head);
      call.principal = caller.principal;
      call.workload = caller.workload;
      call.accessToken = caller.accessToken;
      call.actor = actorOf(caller.principal);
      if (caller.accessToken !== undefined) call.via = caller.workload;
      if (caller.throughEdge) call.remoteAddress = call.head.get("x-plinth-client-address") || call.remoteAddress;
      if (caller.workload === undefined) call.clientAddress = call.remoteAddress;
      // Whether they may.
      const rule = rpc.route?.access;
      if (rule !== undefined && rule.kind !== "public") await enforceAccess(rule, message, call, authorizer);
      // Whether the request makes sense.
      if (message !== undefined) validate(rpc.input, message as Message);
      return await handle();
    } finally {
      inHand--;
    }
  }

  /** Faults to codes; anything unknown to "internal error", logged once. */
  function mapError(rpc: ServedRpc, call: ServerCall, thrown: unknown): ConnectError {
    const error = thrownToConnectError(endError(call.end, thrown));
    explainError(error);
    logFailure(logger, rpc.name, call, error.code, thrown);
    if (error.code === Code.PermissionDenied) onDenied?.({ rpc: rpc.name, reason: reasonOf(error), call });
    return error;
  }

  function durationOf({ name, durations: known }: ServedRpc, code: string): HistogramCell {
    let cell = known.get(code);
    if (cell === undefined) {
      cell = durations.cell({ "rpc.method": name, "rpc.response.status_code": code });
      known.set(code, cell);
    }
    return cell;
  }

  return {
    rpc(method, route) {
      const name = `${method.parent.typeName}/${method.name}`;
      const attributes = { "rpc.system.name": "connectrpc", "rpc.method": name };
      return { name, input: method.input, route, attributes, durations: new Map() };
    },
    begin(head, remoteAddress, end) {
      const given = head.get("x-request-id");
      const requestId = given !== null && saneRequestId.test(given) ? given : random.uuidv7(clock.now());
      return new ServerCall({ requestId, head, remoteAddress, end, logger });
    },
    run,
    runStream,
    validate,
  };
}

/** The messages of an answer, made within the call's span. What is thrown has its request's id in the head already. */
async function* followed(messages: AsyncIterable<unknown>, watched: Watched): AsyncGenerator<unknown> {
  const iterator = messages[Symbol.asyncIterator]();
  let isDone = false;
  try {
    for (;;) {
      const next = await watched.inside(() => iterator.next());
      isDone = next.done === true;
      if (isDone) break;
      yield next.value;
    }
    watched.end("ok");
  } catch (err) {
    isDone = true;
    throw watched.fail(err);
  } finally {
    // Nobody reads on.
    if (!isDone) {
      watched.end("canceled");
      await watched.inside(() => iterator.return?.());
    }
  }
}

function named(error: ConnectError, call: ServerCall): ConnectError {
  error.metadata.set("x-request-id", call.requestId);
  return error;
}

/** What the caller got to know; what it must not know is in the log, under the same ids. */
function tellFailure(span: Span, error: ConnectError, code: string): void {
  if (!span.isRecording()) return;
  const reason = reasonOf(error);
  span.setAttributes({ "rpc.response.status_code": code, "error.type": reason === "" ? code : reason });
  // What a caller did wrong is no error of the server (OpenTelemetry's conventions for RPCs).
  if (serverErrors.has(error.code))
    span.setStatus({ code: SpanStatusCode.ERROR, message: `${code}: ${error.rawMessage}` });
}

const serverErrors: ReadonlySet<Code> = new Set([
  ...[Code.Unknown, Code.DeadlineExceeded, Code.Unimplemented],
  ...[Code.Internal, Code.Unavailable, Code.DataLoss],
]);

const traceparentOf = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-0${traceFlags & 1}`;

const headGetter = {
  keys: (head: HttpHead): string[] => [...head.toHeaders().keys()],
  get: (head: HttpHead, key: string): string | undefined => head.get(key) ?? undefined,
};

const tooManyCalls = (): Fault =>
  new Fault({
    code: "resource_exhausted",
    reason: "TOO_MANY_CALLS",
    message: "too many calls at once, try again shortly",
    retryAfterMs: 1_000,
  });

function logFailure(logger: Logger, rpc: string, call: ServerCall, code: Code, err: unknown): void {
  const fields = { rpc, code: Code[code], request_id: call.requestId, actor: call.actor, err };
  if (code === Code.Internal || code === Code.Unknown || code === Code.DataLoss) logger.error(fields, "call failed");
  else if (code === Code.Unavailable || code === Code.DeadlineExceeded) logger.warn(fields, "call failed");
  else logger.debug(fields, "call refused");
}

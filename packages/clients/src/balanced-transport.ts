import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { ConnectError, type ContextValues, type Transport } from "@connectrpc/connect";
import { context, propagation, type Span, SpanKind, trace } from "@opentelemetry/api";
import { type Clock, cellHistogram, type HistogramCell, inChildSpan, isFault } from "@plinth/kernel";
import { connectErrorToFault, workloadTokenHeader } from "@plinth/rpc";
import type { Call, createCaller } from "./caller.ts";
import { madeOnce } from "./made-once.ts";
import { readOnce, repeatable } from "./sent-messages.ts";
import { timeLeftKey } from "./time-left.ts";

export interface BalancedTransportOptions {
  call: ReturnType<typeof createCaller>;
  clock: Clock;
  /** This process's own proof of identity; absent where it has none. */
  workloadToken: () => Promise<string | undefined>;
  /** Deadline of calls that bring none. */
  defaultTimeoutMs: number;
  /** For calls that have no side effects: see ClientOptions. */
  hedgeAfterMs: number | undefined;
}

/** An RPC with what is the same for all calls of it. */
interface CalledMethod {
  /** "package.Service/Rpc" */
  name: string;
  idempotent: boolean;
  hedgeAfterMs: number | undefined;
  /** Durations by how calls ended: "ok" or a code. */
  cells: Map<string, HistogramCell>;
}

const tracer = trace.getTracer("plinth.clients");
const rpcSystem = { "rpc.system.name": "connectrpc" };

const headerSetter = {
  set(headers: Record<string, string>, name: string, value: string): void {
    headers[name] = value;
  },
};

/** A Connect transport over all instances of a service. Errors reach the caller as Faults. */
export function createBalancedTransport(options: BalancedTransportOptions): Transport {
  const { clock, defaultTimeoutMs } = options;
  const durations = cellHistogram({
    name: "rpc.client.call.duration",
    unit: "s",
    description: "Duration of RPCs as the client sees them, retries included",
    boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  });
  const called = madeOnce((method: DescMethod): CalledMethod => {
    const { idempotency } = method;
    return {
      name: `${method.parent.typeName}/${method.name}`,
      idempotent: idempotency !== Idempotency.IDEMPOTENCY_UNKNOWN,
      hedgeAfterMs: idempotency === Idempotency.NO_SIDE_EFFECTS ? options.hedgeAfterMs : undefined,
      cells: new Map(),
    };
  });

  function record({ name, cells }: CalledMethod, outcome: string, beginMs: number): void {
    let cell = cells.get(outcome);
    if (cell === undefined) {
      cell = durations.cell({ "rpc.method": name, "rpc.response.status_code": outcome });
      cells.set(outcome, cell);
    }
    cell.record((clock.monotonicMs() - beginMs) / 1000);
  }

  async function headersFor(init: ConstructorParameters<typeof Headers>[0]): Promise<Record<string, string>> {
    // Callers of ours give plain objects; what they give stays theirs.
    const headers =
      init instanceof Headers || Array.isArray(init)
        ? Object.fromEntries(new Headers(init))
        : { ...(init as Record<string, string> | undefined) };
    const token = await options.workloadToken();
    if (token !== undefined) headers[workloadTokenHeader] = token;
    propagation.inject(context.active(), headers, headerSetter);
    return headers;
  }

  /** Writes down how a call ended, and returns what its caller sees of it. */
  function failed(method: CalledMethod, beginMs: number, err: unknown): unknown {
    const fault = err instanceof ConnectError ? connectErrorToFault(err) : err;
    record(method, isFault(fault) ? fault.code : "unknown", beginMs);
    return fault;
  }

  /** The messages of a stream, whose duration ends with them. */
  async function* followed<T>(method: CalledMethod, beginMs: number, messages: AsyncIterable<T>): AsyncGenerator<T> {
    let outcome: string | undefined = "canceled";
    try {
      yield* messages;
      outcome = "ok";
    } catch (err) {
      outcome = undefined;
      throw failed(method, beginMs, err);
    } finally {
      if (outcome !== undefined) record(method, outcome, beginMs);
    }
  }

  return {
    unary(method, signal, timeoutMs, header, input, contextValues) {
      const rpc = called(method);
      const describe = () => ({
        name: rpc.name,
        kind: SpanKind.CLIENT,
        attributes: { ...rpcSystem, "rpc.method": rpc.name },
      });
      const work = async (span: Span | undefined) => {
        const headers = await headersFor(header);
        const beginMs = clock.monotonicMs();
        let attempts = 0;
        const call = {
          idempotent: rpc.idempotent,
          hedgeAfterMs: rpc.hedgeAfterMs,
          ...timeFor(timeoutMs ?? defaultTimeoutMs, contextValues),
          signal,
          attempt(transport, leftMs, attemptSignal) {
            if (++attempts > 1) span?.setAttribute("plinth.attempts", attempts);
            return transport.unary(method, attemptSignal, leftMs, headers, input, contextValues);
          },
        } satisfies Call<unknown>;
        try {
          const answer = await options.call(call);
          record(rpc, "ok", beginMs);
          return answer;
        } catch (err) {
          throw failed(rpc, beginMs, err);
        }
      };
      return inChildSpan(tracer, describe, work, (span, err) => {
        if (isFault(err)) span.setAttributes({ "rpc.response.status_code": err.code, "error.type": err.reason });
      });
    },
    async stream(method, signal, timeoutMs, header, input, contextValues) {
      const headers = await headersFor(header);
      const rpc = called(method);
      const messages = method.methodKind === "server_streaming" ? repeatable(input) : readOnce(input);
      const beginMs = clock.monotonicMs();
      const call = {
        idempotent: false,
        isSpent: () => messages.isSpent(),
        ...timeFor(timeoutMs ?? Number.POSITIVE_INFINITY, contextValues),
        signal,
        attempt: (transport, leftMs, attemptSignal) =>
          transport.stream(
            method,
            attemptSignal,
            Number.isFinite(leftMs) ? leftMs : undefined,
            headers,
            messages.read(),
            contextValues,
          ),
      } satisfies Call<unknown>;
      try {
        const answer = await options.call(call);
        return { ...answer, message: followed(rpc, beginMs, answer.message) };
      } catch (err) {
        throw failed(rpc, beginMs, err);
      }
    },
  };
}

/** The client's own deadline, or what is left of the one of the call that is being served. */
function timeFor(ownMs: number, values: ContextValues | undefined): { timeoutMs: number; isHurried: boolean } {
  const leftMs = values?.get(timeLeftKey)() ?? Number.POSITIVE_INFINITY;
  return { timeoutMs: Math.min(ownMs, leftMs), isHurried: leftMs < ownMs };
}

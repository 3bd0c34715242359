import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { ConnectError, type Transport } from "@connectrpc/connect";
import { context, propagation, type Span, SpanKind, trace } from "@opentelemetry/api";
import { type Clock, cellHistogram, type HistogramCell, inChildSpan, isFault } from "@plinth/kernel";
import { connectErrorToFault, workloadTokenHeader } from "@plinth/rpc";
import type { Call, createCaller } from "./caller.ts";

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
  const methods = new WeakMap<DescMethod, CalledMethod>();

  function called(method: DescMethod): CalledMethod {
    let found = methods.get(method);
    if (found === undefined) {
      const { idempotency } = method;
      found = {
        name: `${method.parent.typeName}/${method.name}`,
        idempotent: idempotency !== Idempotency.IDEMPOTENCY_UNKNOWN,
        hedgeAfterMs: idempotency === Idempotency.NO_SIDE_EFFECTS ? options.hedgeAfterMs : undefined,
        cells: new Map(),
      };
      methods.set(method, found);
    }
    return found;
  }

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

  async function measured<T>(method: CalledMethod, call: Call<T>): Promise<T> {
    const beginMs = clock.monotonicMs();
    let outcome = "ok";
    try {
      return await options.call(call);
    } catch (err) {
      const fault = err instanceof ConnectError ? connectErrorToFault(err) : err;
      outcome = isFault(fault) ? fault.code : "unknown";
      throw fault;
    } finally {
      record(method, outcome, beginMs);
    }
  }

  return {
    unary(method, signal, timeoutMs = defaultTimeoutMs, header, input, contextValues) {
      const rpc = called(method);
      const describe = () => ({
        name: rpc.name,
        kind: SpanKind.CLIENT,
        attributes: { ...rpcSystem, "rpc.method": rpc.name },
      });
      const work = async (span: Span | undefined) => {
        const headers = await headersFor(header);
        let attempts = 0;
        return measured(rpc, {
          idempotent: rpc.idempotent,
          hedgeAfterMs: rpc.hedgeAfterMs,
          timeoutMs,
          signal,
          attempt(transport, leftMs, attemptSignal) {
            if (++attempts > 1) span?.setAttribute("plinth.attempts", attempts);
            return transport.unary(method, attemptSignal, leftMs, headers, input, contextValues);
          },
        });
      };
      return inChildSpan(tracer, describe, work, (span, err) => {
        if (isFault(err)) span.setAttributes({ "rpc.response.status_code": err.code, "error.type": err.reason });
      });
    },
    async stream(method, signal, timeoutMs, header, input, contextValues) {
      const headers = await headersFor(header);
      return measured(called(method), {
        // A stream's messages may be consumed by the first attempt: it is never made twice once a connection stood.
        idempotent: false,
        timeoutMs: timeoutMs ?? Number.POSITIVE_INFINITY,
        signal,
        attempt: (transport, leftMs, attemptSignal) =>
          transport.stream(
            method,
            attemptSignal,
            timeoutMs === undefined ? undefined : leftMs,
            headers,
            input,
            contextValues,
          ),
      });
    },
  };
}

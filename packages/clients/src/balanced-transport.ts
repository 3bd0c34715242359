import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { ConnectError, type Transport } from "@connectrpc/connect";
import { context, metrics, propagation } from "@opentelemetry/api";
import { type Clock, isFault } from "@plinth/kernel";
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

/** A Connect transport over all instances of a service. Errors reach the caller as Faults. */
export function createBalancedTransport(options: BalancedTransportOptions): Transport {
  const { clock, defaultTimeoutMs } = options;
  const duration = metrics.getMeter("plinth.clients").createHistogram("rpc.client.call.duration", {
    unit: "s",
    description: "Duration of RPCs as the client sees them, retries included",
    advice: { explicitBucketBoundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] },
  });

  async function headersFor(init: ConstructorParameters<typeof Headers>[0]): Promise<Headers> {
    const headers = new Headers(init);
    const token = await options.workloadToken();
    if (token !== undefined) headers.set(workloadTokenHeader, token);
    propagation.inject(context.active(), headers, { set: (carrier, key, value) => carrier.set(key, value) });
    return headers;
  }

  async function measured<T>(method: string, call: Call<T>): Promise<T> {
    const begin = clock.monotonicMs();
    let outcome = "ok";
    try {
      return await options.call(call);
    } catch (err) {
      const fault = err instanceof ConnectError ? connectErrorToFault(err) : err;
      outcome = isFault(fault) ? fault.code : "unknown";
      throw fault;
    } finally {
      duration.record((clock.monotonicMs() - begin) / 1000, {
        "rpc.method": method,
        "rpc.response.status_code": outcome,
      });
    }
  }

  return {
    async unary(method, signal, timeoutMs = defaultTimeoutMs, header, input, contextValues) {
      const headers = await headersFor(header);
      return measured(`${method.parent.typeName}/${method.name}`, {
        idempotent: method.idempotency !== Idempotency.IDEMPOTENCY_UNKNOWN,
        hedgeAfterMs: method.idempotency === Idempotency.NO_SIDE_EFFECTS ? options.hedgeAfterMs : undefined,
        timeoutMs,
        signal,
        attempt: (transport, leftMs, attemptSignal) =>
          transport.unary(method, attemptSignal, leftMs, headers, input, contextValues),
      });
    },
    async stream(method, signal, timeoutMs, header, input, contextValues) {
      const headers = await headersFor(header);
      return measured(`${method.parent.typeName}/${method.name}`, {
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

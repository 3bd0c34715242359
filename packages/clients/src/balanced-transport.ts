import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { context, metrics, propagation } from "@opentelemetry/api";
import { type Clock, isFault } from "@plinth/kernel";
import { connectErrorToFault, workloadTokenHeader } from "@plinth/rpc";
import type { EndpointChannel } from "./endpoint-channel.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import type { RetryBudget } from "./retry-budget.ts";

export interface BalancedTransportOptions {
  service: string;
  pool: EndpointPool;
  budget: RetryBudget;
  clock: Clock;
  /** This process's own proof of identity; absent where it has none. */
  workloadToken: () => Promise<string | undefined>;
  /** Deadline of calls that bring none. */
  defaultTimeoutMs: number;
}

const attemptsMax = 3;

/**
 * A Connect transport over all instances of a service. An instance that cannot be reached is skipped: nothing was sent.
 * A call that failed with "unavailable" is made again elsewhere only when its proto declares it idempotent and the
 * retry budget allows. Errors reach the caller as Faults.
 */
export function createBalancedTransport(options: BalancedTransportOptions): Transport {
  const { pool, budget, clock, defaultTimeoutMs } = options;
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

  async function run<T>(
    method: string,
    idempotent: boolean,
    signal: AbortSignal | undefined,
    attempt: (transport: Transport) => Promise<T>,
  ): Promise<T> {
    const begin = clock.monotonicMs();
    const tried = new Set<EndpointChannel>();
    let outcome = "ok";
    budget.deposit();
    try {
      for (let attempts = 1; ; attempts++) {
        const channel = await pool.pick(tried, signal);
        tried.add(channel);
        const result = await attemptOn(channel, attempt);
        if (result.kind === "done") return result.value;
        const again = result.kind === "unreachable" || (idempotent && isUnavailable(result.error) && budget.withdraw());
        if (!again || attempts >= attemptsMax || signal?.aborted) throw result.error;
      }
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

  type Attempt<T> = { kind: "done"; value: T } | { kind: "unreachable" | "failed"; error: unknown };

  async function attemptOn<T>(
    channel: EndpointChannel,
    attempt: (transport: Transport) => Promise<T>,
  ): Promise<Attempt<T>> {
    channel.inHand++;
    try {
      const transport = await channel.connected().catch((error: unknown) => ({ error }));
      if ("error" in transport) {
        pool.report(channel, "failed");
        return {
          kind: "unreachable",
          error: new ConnectError(
            `an instance of ${options.service} cannot be reached`,
            Code.Unavailable,
            undefined,
            undefined,
            transport.error,
          ),
        };
      }
      const value = await attempt(transport);
      pool.report(channel, "ok");
      return { kind: "done", value };
    } catch (thrown) {
      const error = lostConnection(thrown, options.service) ?? thrown;
      pool.report(channel, isUnavailable(error) ? "failed" : "ok");
      return { kind: neverProcessed(error) ? "unreachable" : "failed", error };
    } finally {
      channel.inHand--;
    }
  }

  return {
    async unary(method, signal, timeoutMs, header, input, contextValues) {
      const headers = await headersFor(header);
      const name = `${method.parent.typeName}/${method.name}`;
      return run(name, method.idempotency !== Idempotency.IDEMPOTENCY_UNKNOWN, signal, (transport) =>
        transport.unary(method, signal, timeoutMs ?? defaultTimeoutMs, headers, input, contextValues),
      );
    },
    async stream(method, signal, timeoutMs, header, input, contextValues) {
      const headers = await headersFor(header);
      // A stream's messages may be consumed by the first attempt: it is never made twice once a connection stood.
      return run(`${method.parent.typeName}/${method.name}`, false, signal, (transport) =>
        transport.stream(method, signal, timeoutMs, headers, input, contextValues),
      );
    },
  };
}

const isUnavailable = (error: unknown): boolean => error instanceof ConnectError && error.code === Code.Unavailable;

const lostCodes = new Set([
  "ECONNRESET",
  "EPIPE",
  "ECONNABORTED",
  "ERR_HTTP2_SESSION_ERROR",
  "ERR_HTTP2_STREAM_CANCEL",
]);

/** A connection that broke under a call, as its caller should see it: unavailable, and nothing about sockets. */
function lostConnection(error: unknown, service: string): ConnectError | undefined {
  if (!(error instanceof ConnectError) || neverProcessed(error)) return undefined;
  for (let at: unknown = error.cause; at instanceof Error; at = at.cause) {
    if (!lostCodes.has((at as { code?: string }).code ?? "")) continue;
    return new ConnectError(
      `the connection to ${service} was lost, try again shortly`,
      Code.Unavailable,
      undefined,
      undefined,
      error,
    );
  }
  return undefined;
}

/** The peer says that it did nothing (RFC 9113 section 8.7), or the connection ended before the request was written. */
function neverProcessed(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (/NGHTTP2_REFUSED_STREAM/.test(at.message)) return true;
    if (["ERR_HTTP2_GOAWAY_SESSION", "ERR_HTTP2_INVALID_SESSION"].includes((at as { code?: string }).code ?? ""))
      return true;
  }
  return false;
}

import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { context, propagation } from "@opentelemetry/api";
import { type Clock, cellHistogram, type HistogramCell, isFault } from "@plinth/kernel";
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

/** An RPC with what is the same for all calls of it. */
interface CalledMethod {
  /** "package.Service/Rpc" */
  name: string;
  isIdempotent: boolean;
  /** Durations by how calls ended: "ok" or a code. */
  cells: Map<string, HistogramCell>;
}

const headerSetter = {
  set(headers: Record<string, string>, name: string, value: string): void {
    headers[name] = value;
  },
};

/**
 * A Connect transport over all instances of a service. An instance that cannot be reached is skipped: nothing was sent.
 * A call that failed with "unavailable" is made again elsewhere only when its proto declares it idempotent and the
 * retry budget allows. Errors reach the caller as Faults.
 */
export function createBalancedTransport(options: BalancedTransportOptions): Transport {
  const { pool, budget, clock, defaultTimeoutMs } = options;
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
      const isIdempotent = method.idempotency !== Idempotency.IDEMPOTENCY_UNKNOWN;
      found = { name: `${method.parent.typeName}/${method.name}`, isIdempotent, cells: new Map() };
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

  async function run<T>(
    method: CalledMethod,
    mayRepeat: boolean,
    signal: AbortSignal | undefined,
    attempt: (transport: Transport) => Promise<T>,
  ): Promise<T> {
    const beginMs = clock.monotonicMs();
    const tried = new Set<EndpointChannel>();
    let outcome = "ok";
    budget.deposit();
    try {
      for (let attempts = 1; ; attempts++) {
        const channel = await pool.pick(tried, signal);
        tried.add(channel);
        const result = await attemptOn(channel, attempt);
        if (result.kind === "done") return result.value;
        const again = result.kind === "unreachable" || (mayRepeat && isUnavailable(result.error) && budget.withdraw());
        if (!again || attempts >= attemptsMax || signal?.aborted) throw result.error;
      }
    } catch (err) {
      const fault = err instanceof ConnectError ? connectErrorToFault(err) : err;
      outcome = isFault(fault) ? fault.code : "unknown";
      throw fault;
    } finally {
      record(method, outcome, beginMs);
    }
  }

  type Attempt<T> = { kind: "done"; value: T } | { kind: "unreachable" | "failed"; error: unknown };

  async function attemptOn<T>(
    channel: EndpointChannel,
    attempt: (transport: Transport) => Promise<T>,
  ): Promise<Attempt<T>> {
    channel.inHand++;
    try {
      const transport = channel.ready() ?? (await channel.connected().catch((error: unknown) => ({ error })));
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
      const rpc = called(method);
      return run(rpc, rpc.isIdempotent, signal, (transport) =>
        transport.unary(method, signal, timeoutMs ?? defaultTimeoutMs, headers, input, contextValues),
      );
    },
    async stream(method, signal, timeoutMs, header, input, contextValues) {
      const headers = await headersFor(header);
      // A stream's messages may be consumed by the first attempt: it is never made twice once a connection stood.
      return run(called(method), false, signal, (transport) =>
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

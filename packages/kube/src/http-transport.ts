import { type Meter, SpanKind, trace } from "@opentelemetry/api";
import { type Clock, Fault, inChildSpan, isFault, type Random } from "@plinth/kernel";
import type { Dispatcher } from "undici";
import { type ApiStatus, apiFault } from "./api-fault.ts";
import type { ClusterConfig } from "./cluster-config.ts";
import { createConnection } from "./connection.ts";
import { createDeadline } from "./deadline.ts";
import { networkFault } from "./network-fault.ts";
import { createRestMetrics } from "./rest-metrics.ts";
import type { ApiAnswer, ApiCall, Transport } from "./transport.ts";

export interface HttpTransportOptions {
  cluster: ClusterConfig;
  /** Sent as User-Agent; the API server derives the default field manager and audit entries from it. */
  userAgent: string;
  clock: Clock;
  random: Random;
  meter?: Meter;
  /** Open connections at once; every watch holds one. Default 256. */
  connectionsMax?: number;
  /** For calls that name none. Default 30 s. */
  timeoutMs?: number;
  /** Largest answer that is read. Default 128 MiB. */
  responseBytesMax?: number;
}

const tracer = trace.getTracer("plinth.kube");

/** Refusals with a Retry-After (429, 503) are tried again this often, inside the call's own time. */
const retriesMax = 4;
const retryWaitMaxMs = 10_000;

/** HTTP/1.1 with keep-alive over one shared agent: many calls, few handshakes. */
export function createHttpTransport(options: HttpTransportOptions): Transport {
  const { cluster, clock, random, timeoutMs = 30_000, responseBytesMax = 128 * 1024 * 1024 } = options;
  const connection = createConnection({ cluster, clock, connectionsMax: options.connectionsMax ?? 256 });
  const metrics = createRestMetrics(cluster.server, options.meter);

  /** One answer with its status checked; the caller reads the body. */
  async function attempt(call: ApiCall, signal: AbortSignal, idleMs: number): Promise<Dispatcher.ResponseData> {
    for (let refreshed = false; ; refreshed = true) {
      const { agent, headers } = await connection.get(refreshed);
      // undici would notice an earlier abort only after it has connected.
      signal.throwIfAborted();
      const begin = clock.monotonicMs();
      const answer = await agent.request({
        origin: cluster.server,
        path: pathWithQuery(call),
        method: call.method,
        headers: {
          ...headers,
          "user-agent": options.userAgent,
          accept: call.accept ?? "application/json",
          ...(call.body === undefined ? {} : { "content-type": call.contentType ?? "application/json" }),
        },
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
        signal,
        headersTimeout: call.timeoutMs ?? timeoutMs,
        bodyTimeout: idleMs,
      });
      metrics.observe(call.method, answer.statusCode, clock.monotonicMs() - begin);
      if (answer.statusCode === 401 && !refreshed) {
        await answer.body.dump();
        continue;
      }
      if (answer.statusCode >= 300) throw await refusal(answer);
      return answer;
    }
  }

  async function refusal(answer: Dispatcher.ResponseData): Promise<Fault> {
    const text = await readText(answer.body, 1024 * 1024);
    const header = Number(answer.headers["retry-after"]);
    return apiFault(answer.statusCode, parseStatus(text), header > 0 ? header * 1000 : undefined);
  }

  async function withRetries<T>(call: ApiCall, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    for (let retries = 0; ; retries++) {
      try {
        return await work();
      } catch (err) {
        if (call.signal?.aborted) throw call.signal.reason;
        if (!isFault(err)) {
          metrics.failed(call.method);
          throw networkFault(err, cluster.server);
        }
        const status = err.details["status"];
        const asksToWait = (status === "429" || status === "503") && err.retryAfterMs !== undefined;
        if (!asksToWait || retries >= retriesMax) throw err;
        await clock
          .sleep(Math.min(err.retryAfterMs ?? 0, retryWaitMaxMs) * (1 + 0.2 * random.fraction()), signal)
          .catch(() => {
            throw call.signal?.aborted ? call.signal.reason : err;
          });
      }
    }
  }

  async function sendOnce(call: ApiCall): Promise<ApiAnswer> {
    const limit = call.timeoutMs ?? timeoutMs;
    using deadline = createDeadline({ clock, ms: limit, outer: call.signal, onTimeout: timeout });
    // Awaited, because the deadline ends with this function.
    return await withRetries(call, deadline.signal, async () => {
      const answer = await attempt(call, deadline.signal, limit);
      const text = await readText(answer.body, responseBytesMax);
      const isJson = String(answer.headers["content-type"] ?? "").includes("json");
      const dateMs = Date.parse(String(answer.headers["date"]));
      return { body: isJson ? JSON.parse(text) : text, ...(Number.isNaN(dateMs) ? {} : { dateMs }) };
    });
  }

  /** In a span, when a reconcile that is traced waits for it. The path is a name, not a class of names: kept out of the span's. */
  const inCallSpan = <T>(call: ApiCall, work: () => Promise<T>): Promise<T> =>
    inChildSpan(
      tracer,
      () => ({
        name: call.method,
        kind: SpanKind.CLIENT,
        attributes: { "http.request.method": call.method, "url.path": call.path, "server.address": cluster.server },
      }),
      work,
      (span, err) => {
        if (isFault(err)) span.setAttribute("error.type", err.reason);
      },
    );

  return {
    send: (call) => inCallSpan(call, () => sendOnce(call)),
    async *open(call) {
      const cut = new AbortController();
      const abort = (): void => cut.abort(call.signal?.reason);
      call.signal?.addEventListener("abort", abort, { once: true });
      if (call.signal?.aborted) abort();
      try {
        const answer = await withRetries(call, cut.signal, () => attempt(call, cut.signal, call.idleMs));
        yield* answer.body as AsyncIterable<Uint8Array>;
      } catch (err) {
        if (call.signal?.aborted) throw call.signal.reason;
        throw isFault(err) ? err : networkFault(err, cluster.server);
      } finally {
        call.signal?.removeEventListener("abort", abort);
        cut.abort();
      }
    },
    close: () => connection.close(),
  };
}

const timeout = (): DOMException => new DOMException("timed out", "TimeoutError");

function pathWithQuery(call: ApiCall): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(call.query ?? {})) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? call.path : `${call.path}?${query}`;
}

async function readText(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) {
      throw new Fault({
        code: "resource_exhausted",
        reason: "ANSWER_TOO_LARGE",
        message: `the API server's answer is larger than ${bytesMax} bytes; ask for smaller pages`,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseStatus(text: string): ApiStatus | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as ApiStatus) : undefined;
  } catch {
    return text === "" ? undefined : { message: text.slice(0, 500).trim() };
  }
}

import { placeOn } from "@plinth/clients/http2";
import type { Logger, Random } from "@plinth/kernel";
import type { Endpoint } from "./endpoint.ts";
import type { Exchange } from "./exchange.ts";
import { readAnswer } from "./http1/read-answer.ts";
import type { Mirror } from "./route.ts";
import type { Upstreams } from "./upstreams.ts";

/** Copies on their way at once; more are left out rather than letting a slow mirror hold memory. */
const inFlightMax = 1_000;
/** Answers of mirrors are read so that their connections can be used again, up to this many bytes. */
const answerBytesMax = 1024 * 1024;
const timeoutMs = 30_000;

interface Copy {
  method: string;
  path: string;
  host: string;
  headers: string[];
  body: Buffer | null;
}

/**
 * Sends copies of requests to services whose answers nobody waits for (Gateway API, HTTPRequestMirrorFilter). Requests
 * whose body was not read beforehand are left out: there is but one reader of a stream.
 */
export class Mirrors {
  readonly #upstreams: Upstreams;
  readonly #random: Random;
  readonly #logger: Logger;
  #inFlight = 0;

  constructor(options: { upstreams: Upstreams; random: Random; logger: Logger }) {
    this.#upstreams = options.upstreams;
    this.#random = options.random;
    this.#logger = options.logger;
  }

  send(exchange: Exchange, mirrors: readonly Mirror[]): void {
    if (exchange.downstream.hasBody && exchange.bufferedBody === undefined) return;
    const copy: Copy = {
      method: exchange.method,
      path: exchange.upstreamTarget,
      host: exchange.rewrittenHost || exchange.head.host,
      headers: exchange.upstreamHeaders ?? [],
      body: exchange.bufferedBody ?? null,
    };
    for (const mirror of mirrors) if (this.#random.fraction() < mirror.share) this.#sendTo(mirror, copy);
  }

  #sendTo(mirror: Mirror, copy: Copy): void {
    const endpoint = this.#upstreams.pick(mirror.service, []);
    if (endpoint === undefined || this.#inFlight >= inFlightMax) return;
    this.#inFlight++;
    const addressed = { ...copy, host: endpoint.ownHost || copy.host };
    const sent = mirror.protocol === "h2c" ? overHttp2(endpoint, addressed) : overHttp1(endpoint, addressed);
    sent
      .catch((err: unknown) => this.#logger.debug({ err, service: mirror.service }, "copy of a request was not taken"))
      .finally(() => this.#inFlight--);
  }
}

async function overHttp1(endpoint: Endpoint, { method, path, host, headers, body }: Copy): Promise<void> {
  const limits = { bytesMax: answerBytesMax, timeoutMs };
  await readAnswer(endpoint.pool, { method, target: path, host, headers, body: body ?? undefined, ...limits });
}

async function overHttp2(endpoint: Endpoint, { method, path, host, headers, body }: Copy): Promise<void> {
  const pooled = endpoint.sessions.take() ?? (await placeOn(endpoint.sessions, AbortSignal.timeout(timeoutMs)));
  try {
    const head = [":method", method, ":scheme", "http", ":authority", host, ":path", path, ...headers];
    const stream = pooled.session.request(head, { endStream: body === null, signal: AbortSignal.timeout(timeoutMs) });
    if (body !== null) stream.end(body);
    stream.resume();
    await new Promise((resolve) => {
      stream.on("error", resolve);
      stream.once("close", resolve);
    });
  } finally {
    endpoint.sessions.release(pooled);
  }
}

import type { Logger, Random } from "@plinth/kernel";
import type { Endpoint } from "./endpoint.ts";
import type { Exchange } from "./exchange.ts";
import type { ClientCall, ClientConnection } from "./http1/client-connection.ts";
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
      host: exchange.upstreamHost,
      headers: exchange.upstreamHeaders ?? [],
      body: exchange.bufferedBody ?? null,
    };
    for (const mirror of mirrors) if (this.#random.fraction() < mirror.share) this.#sendTo(mirror, copy);
  }

  #sendTo(mirror: Mirror, copy: Copy): void {
    const endpoint = this.#upstreams.pick(mirror.service, []);
    if (endpoint === undefined || this.#inFlight >= inFlightMax) return;
    this.#inFlight++;
    const sent = mirror.http2 ? overHttp2(endpoint, copy) : overHttp1(endpoint, copy);
    sent
      .catch((err: unknown) => this.#logger.debug({ err, service: mirror.service }, "copy of a request was not taken"))
      .finally(() => this.#inFlight--);
  }
}

function overHttp1(endpoint: Endpoint, copy: Copy): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = new CopyCall(copy, (err) => (err ? reject(err) : resolve()));
    AbortSignal.timeout(timeoutMs).addEventListener("abort", () => call.giveUp());
    endpoint.pool.dispatch(call);
  });
}

/** A copy over HTTP/1.1: what comes back is read and forgotten. */
class CopyCall implements ClientCall {
  readonly method: string;
  cancelled = false;
  readonly #copy: Copy;
  readonly #done: (err?: Error) => void;
  #connection: ClientConnection | undefined;
  #bytes = 0;

  constructor(copy: Copy, done: (err?: Error) => void) {
    this.method = copy.method;
    this.#copy = copy;
    this.#done = done;
  }

  onConnection(connection: ClientConnection): void {
    this.#connection = connection;
    const { path, host, headers, body } = this.#copy;
    let head = `${this.method} ${path} HTTP/1.1\r\nhost: ${host}\r\n`;
    if (body !== null) head += `content-length: ${body.length}\r\n`;
    for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
    connection.writeRequest(`${head}\r\n`, body ?? undefined, false);
  }

  onHead(): void {}

  onData(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > answerBytesMax) this.giveUp();
  }

  onEnd(): void {
    this.cancelled = true;
    this.#done();
  }

  onError(err: Error): void {
    this.cancelled = true;
    this.#done(err);
  }

  onDrain(): void {}

  /** It took too long or says too much. */
  giveUp(): void {
    if (this.cancelled) return;
    this.cancelled = true;
    this.#connection?.destroy();
    this.#done();
  }
}

async function overHttp2(endpoint: Endpoint, { method, path, host, headers, body }: Copy): Promise<void> {
  const session = await endpoint.sessions.acquire();
  try {
    const head = [":method", method, ":scheme", "http", ":authority", host, ":path", path, ...headers];
    const stream = session.request(head, { endStream: body === null, signal: AbortSignal.timeout(timeoutMs) });
    if (body !== null) stream.end(body);
    stream.resume();
    await new Promise((resolve) => {
      stream.on("error", resolve);
      stream.once("close", resolve);
    });
  } finally {
    endpoint.sessions.release(session);
  }
}

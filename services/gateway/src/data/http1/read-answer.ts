import type { ClientCall, ClientConnection } from "./client-connection.ts";
import type { ConnectionPool } from "./connection-pool.ts";

export interface AnswerRequest {
  method: string;
  /** Path with query. */
  target: string;
  host: string;
  /** Name and value in turn, without host and content-length. */
  headers: readonly string[];
  body?: Buffer | undefined;
  /** Of the answer's body. */
  bytesMax: number;
  timeoutMs: number;
}

export interface Answer {
  status: number;
  body: Buffer;
}

/** One small request of the gateway's own over a connection of `pool`. Rejects when the answer is too large, late or broken off. */
export function readAnswer(pool: ConnectionPool, request: AnswerRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    pool.dispatch(new AnswerCall(request, resolve, reject));
  });
}

class AnswerCall implements ClientCall {
  readonly method: string;
  cancelled = false;
  readonly #request: AnswerRequest;
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (err: Error) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #chunks: Buffer[] = [];
  #connection: ClientConnection | undefined;
  #status = 0;
  #bytes = 0;

  constructor(request: AnswerRequest, resolve: (answer: Answer) => void, reject: (err: Error) => void) {
    this.method = request.method;
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(() => this.#giveUp(new Error("the answer did not come in time")), request.timeoutMs);
  }

  onConnection(connection: ClientConnection): void {
    this.#connection = connection;
    const { method, target, host, headers, body } = this.#request;
    let head = `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n`;
    for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
    if (body !== undefined) head += `content-length: ${body.length}\r\n`;
    connection.writeRequest(`${head}\r\n`, body, false);
  }

  onHead(status: number): void {
    this.#status = status;
  }

  onData(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#request.bytesMax) this.#giveUp(new Error("the answer is too large"));
    else this.#chunks.push(Buffer.from(chunk));
  }

  onEnd(): void {
    clearTimeout(this.#timer);
    if (!this.cancelled) this.#resolve({ status: this.#status, body: Buffer.concat(this.#chunks) });
  }

  onError(err: Error): void {
    clearTimeout(this.#timer);
    this.#reject(err);
  }

  onDrain(): void {}

  #giveUp(err: Error): void {
    this.cancelled = true;
    this.onError(err);
    this.#connection?.destroy();
  }
}

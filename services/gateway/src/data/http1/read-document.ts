import type { ClientCall, ClientConnection } from "./client-connection.ts";
import type { ConnectionPool } from "./connection-pool.ts";

export interface DocumentRequest {
  host: string;
  path: string;
  accept: string;
  bytesMax: number;
  timeoutMs: number;
}

export interface Document {
  status: number;
  text: string;
}

/** Gets a small document over a connection of `pool`. Rejects when it is too large, late or broken off. */
export function readDocument(pool: ConnectionPool, request: DocumentRequest): Promise<Document> {
  return new Promise((resolve, reject) => {
    const call = new DocumentCall(request, resolve, reject);
    pool.dispatch(call);
  });
}

class DocumentCall implements ClientCall {
  readonly method = "GET";
  cancelled = false;
  readonly #request: DocumentRequest;
  readonly #resolve: (document: Document) => void;
  readonly #reject: (err: Error) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #chunks: Buffer[] = [];
  #connection: ClientConnection | undefined;
  #status = 0;
  #bytes = 0;

  constructor(request: DocumentRequest, resolve: (document: Document) => void, reject: (err: Error) => void) {
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(() => this.#giveUp(new Error("the document did not come in time")), request.timeoutMs);
  }

  onConnection(connection: ClientConnection): void {
    this.#connection = connection;
    const { host, path, accept } = this.#request;
    connection.writeRequest(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\naccept: ${accept}\r\n\r\n`, undefined, false);
  }

  onHead(status: number): void {
    this.#status = status;
  }

  onData(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#request.bytesMax) this.#giveUp(new Error("the document is too large"));
    else this.#chunks.push(Buffer.from(chunk));
  }

  onEnd(): void {
    clearTimeout(this.#timer);
    if (!this.cancelled) this.#resolve({ status: this.#status, text: Buffer.concat(this.#chunks).toString() });
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

import { type ClientCall, ClientConnection } from "./client-connection.ts";

export interface ConnectionPoolOptions {
  host: string;
  port: number;
  /** Open connections; further calls wait in line. */
  connectionsMax: number;
  connectTimeoutMs: number;
  /** An idle connection; a shorter time that the service names counts, less `keepAliveMarginMs`. */
  keepAliveTimeoutMs: number;
  keepAliveMarginMs: number;
  headBytesMax: number;
  fieldsMax: number;
  interimMax: number;
}

/** Idle time is counted in ticks of the pool, so that a request sets no timer. */
const tickMs = 500;

/** HTTP/1.1 connections to one instance: the one used last is used next, so that superfluous ones grow old. */
export class ConnectionPool {
  readonly #options: ConnectionPoolOptions;
  readonly #connections = new Set<ClientConnection>();
  #idle: ClientConnection[] = [];
  /** Calls that wait for a connection, first in line first. */
  #waiting: ClientCall[] = [];
  #connecting = 0;
  #ticker: NodeJS.Timeout | undefined;
  #closed: { promise: Promise<void>; resolve: () => void } | undefined;

  constructor(options: ConnectionPoolOptions) {
    this.#options = options;
  }

  /** Gives the call a connection, now or later. A call that cannot have one gets `onError`, without `onConnection`. */
  dispatch(call: ClientCall): void {
    for (let next = this.#idle.pop(); next !== undefined; next = this.#idle.pop()) {
      if (next.closed) continue;
      next.assign(call);
      return;
    }
    if (this.#closed !== undefined) call.onError(new Error("the instance is gone"));
    else {
      this.#waiting.push(call);
      this.#connectIfNeeded();
    }
  }

  #connectIfNeeded(): void {
    if (this.#connecting >= this.#waiting.length || this.#connections.size >= this.#options.connectionsMax) return;
    this.#connecting++;
    this.#connections.add(
      new ClientConnection({
        ...this.#options,
        onConnect: (connection) => {
          this.#connecting--;
          this.#offer(connection);
        },
        onIdle: (connection) => this.#offer(connection),
        onClose: (connection, err) => this.#onClose(connection, err),
      }),
    );
  }

  #offer(connection: ClientConnection): void {
    for (let call = this.#waiting.shift(); call !== undefined; call = this.#waiting.shift()) {
      if (call.cancelled) continue;
      connection.assign(call);
      return;
    }
    if (this.#closed !== undefined || this.#idleTicksMax(connection) === 0) {
      connection.destroy();
      return;
    }
    connection.idleTicks = 0;
    this.#idle.push(connection);
    this.#ticker ??= setInterval(() => this.#tick(), tickMs).unref();
  }

  #idleTicksMax({ keepAliveHintS }: ClientConnection): number {
    const { keepAliveTimeoutMs, keepAliveMarginMs } = this.#options;
    const hintMs = keepAliveHintS < 0 ? keepAliveTimeoutMs : keepAliveHintS * 1000 - keepAliveMarginMs;
    return Math.max(0, Math.floor(Math.min(keepAliveTimeoutMs, hintMs) / tickMs));
  }

  #tick(): void {
    const kept: ClientConnection[] = [];
    for (const connection of this.#idle) {
      if (connection.closed) continue;
      if (++connection.idleTicks >= this.#idleTicksMax(connection)) connection.destroy();
      else kept.push(connection);
    }
    this.#idle = kept;
    if (kept.length > 0) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  /** `err`: it never connected, and with it fails the call that waited longest. */
  #onClose(connection: ClientConnection, err: Error | undefined): void {
    this.#connections.delete(connection);
    if (err !== undefined) {
      this.#connecting--;
      let call = this.#waiting.shift();
      while (call?.cancelled) call = this.#waiting.shift();
      call?.onError(err);
    }
    this.#connectIfNeeded();
    this.#closeWhenEmpty();
  }

  /** Lets calls in flight finish, then closes the connections. */
  close(): Promise<void> {
    if (this.#closed === undefined) {
      let resolve = () => {};
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#closed = { promise, resolve };
      for (const connection of this.#idle) connection.destroy();
      this.#idle = [];
      this.#closeWhenEmpty();
    }
    return this.#closed.promise;
  }

  #closeWhenEmpty(): void {
    if (this.#connections.size > 0) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
    this.#closed?.resolve();
  }

  /** Cuts everything; calls hear nothing any more. */
  async destroy(): Promise<void> {
    const closed = this.close();
    this.#waiting = [];
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }
}

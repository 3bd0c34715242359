import http2, { type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import net, { type AddressInfo, type Socket } from "node:net";
import { type Clock, type Component, type Logger, systemClock } from "@plinth/kernel";
import type { Downstream } from "./downstream.ts";
import { AnswerHeads } from "./http1/answer-head.ts";
import { ServerConnection, tickMs } from "./http1/server-connection.ts";
import { Http2Downstream } from "./http2-downstream.ts";
import { headersMax } from "./request-head.ts";
import { type ListenerTls, type Peer, peerOf, TlsTermination } from "./tls-termination.ts";

export const listenerLimits = {
  /** Open connections; more are refused by the kernel's queue until some close. */
  connectionsMax: 20_000,
  /** All header fields of a request together. */
  headerBytesMax: 16 * 1024,
  /** Until the head of a request is complete: slow senders hold a socket no longer than this. */
  headersTimeoutMs: 10_000,
  /** Until the first byte of a new connection; with TLS, until the handshake is over. */
  prefaceTimeoutMs: 10_000,
  /** The same once the port is closed: who wanted to ask has done so by then. */
  prefaceTimeoutAtEndMs: 1_000,
  /** An idle HTTP/1.1 connection; longer than the 60 s of common load balancers in front. */
  keepAliveTimeoutMs: 65_000,
  /** Bytes of later requests on an HTTP/1.1 connection that are taken in before the answer to the current one is out. */
  pipelinedBytesMax: 64 * 1024,
  /** How long and how much of an unwanted body is read after its answer. */
  lingerMs: 2_000,
  lingerBytesMax: 16 * 1024 * 1024,
  /** An idle HTTP/2 connection. */
  sessionIdleMs: 300_000,
  streamsPerSessionMax: 100,
  streamWindowBytes: 1024 * 1024,
  sessionWindowBytes: 4 * 1024 * 1024,
  /** Resets a client may cause: burst and refill per second; beyond it the session is closed (CVE-2023-44487). */
  streamResetBurst: 200,
  streamResetRate: 33,
  /** Memory one HTTP/2 session may hold. */
  sessionMemoryMiB: 16,
} as const;

export interface ListenerOptions {
  host: string;
  /** 0 picks a free port. */
  port: number;
  /** True: other processes of the same user may listen on the port as well (SO_REUSEPORT; an error where there is none). */
  reusePort?: boolean | undefined;
  onRequest: (downstream: Downstream, upgradeHead?: Uint8Array) => void;
  logger: Logger;
  /** Default: the system's. */
  clock?: Clock | undefined;
  /** How long answers announce the end of the connection before idle connections are closed. */
  drainDelayMs: number;
  /** Absent: cleartext. */
  tls?: ListenerTls | undefined;
}

/** HTTP/2 connections start with these bytes (RFC 9113 section 3.4); no HTTP/1.1 request does. */
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** One port for HTTP/1.1 and HTTP/2: told apart by the first bytes in cleartext, by ALPN with TLS. */
export class Listener implements Component {
  readonly name = "listener";
  readonly #options: ListenerOptions;
  readonly #tls: TlsTermination | undefined;
  readonly #sockets = new Set<Socket>();
  /** Those that have said nothing yet; with TLS, those whose handshake is not over. */
  readonly #silent = new Set<Socket>();
  readonly #sessions = new Map<ServerHttp2Session, Peer>();
  readonly #http1 = new Set<ServerConnection>();
  readonly #heads: AnswerHeads;
  #ticker: NodeJS.Timeout | undefined;
  #closing = false;
  #net: net.Server;
  #http2: http2.Http2Server;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#tls = options.tls && new TlsTermination(options.tls, listenerLimits.prefaceTimeoutMs);
    this.#heads = new AnswerHeads(options.clock ?? systemClock);
    this.#http2 = this.#createHttp2();
    this.#net = net.createServer({ noDelay: true }, (socket) => this.#onConnection(socket));
    this.#net.maxConnections = listenerLimits.connectionsMax;
  }

  port(): number {
    return (this.#net.address() as AddressInfo).port;
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#net.once("error", reject);
      const { host, port, reusePort = false } = this.#options;
      this.#net.listen({ host, port, reusePort, backlog: 1024 }, () => {
        this.#net.off("error", reject);
        this.#net.on("error", (err) => this.#options.logger.error({ err }, "listener failed"));
        this.#ticker = setInterval(() => {
          for (const connection of this.#http1) connection.tick();
        }, tickMs);
        resolve();
      });
    });
  }

  /**
   * Stops without failing a request: answers announce the end of their connection (GOAWAY, Connection: close) for
   * `drainDelayMs` while new ones are still taken, then the port closes and what is in flight finishes. A shared port
   * closes at once: closing resets connections that wait to be taken in, and most of them do while answers end theirs.
   */
  async stop(signal: AbortSignal): Promise<void> {
    this.#closing = true;
    // The highest stream id: "send nothing new here" without refusing what is on its way.
    for (const session of this.#sessions.keys()) if (!session.destroyed) session.goaway(0, 2 ** 31 - 1);
    let closed: Promise<void> | undefined;
    const close = () => {
      closed ??= new Promise<void>((resolve) => this.#net.close(() => resolve()));
      return closed;
    };
    if (this.#options.reusePort) {
      // Right after a poll, which takes in all that wait: those who come in between are reset.
      await new Promise((resolve) => setImmediate(resolve));
      void close();
    }
    await waitMs(this.#options.drainDelayMs, signal);
    void close();
    for (const session of this.#sessions.keys()) session.close();
    for (const socket of this.#silent) socket.setTimeout(listenerLimits.prefaceTimeoutAtEndMs, () => socket.destroy());
    const closeIdle = () => {
      for (const connection of this.#http1) connection.closeIfIdle();
    };
    closeIdle();
    const idle = setInterval(closeIdle, 100);
    const cut = () => {
      for (const socket of this.#sockets) socket.destroy();
    };
    signal.addEventListener("abort", cut, { once: true });
    if (signal.aborted) cut();
    await close();
    signal.removeEventListener("abort", cut);
    clearInterval(idle);
    clearInterval(this.#ticker);
    // Only to stop its timers: it does not listen.
    this.#http2.close();
  }

  #onConnection(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    if (this.#tls === undefined) this.#peek(socket);
    else {
      const heard = this.#untilHeard(socket);
      this.#tls.accept(socket, (secure, protocol) => {
        heard();
        if (protocol === "h2") this.#http2.emit("connection", secure);
        else this.#serveHttp1(secure);
      });
    }
  }

  /** Until what it returns was called, the socket is one that the end of the port does not wait for. */
  #untilHeard(socket: Socket): () => void {
    const heard = () => {
      this.#silent.delete(socket);
      socket.setTimeout(0);
    };
    this.#silent.add(socket);
    socket.once("close", heard);
    return heard;
  }

  #peek(socket: Socket): void {
    const onEarlyError = () => socket.destroy();
    socket.on("error", onEarlyError);
    const timer = setTimeout(() => socket.destroy(), listenerLimits.prefaceTimeoutMs);
    socket.once("close", () => clearTimeout(timer));
    const heard = this.#untilHeard(socket);
    let seen: Buffer = Buffer.alloc(0);
    const peek = () => {
      for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null)
        seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      if (seen.length === 0) return;
      const length = Math.min(seen.length, preface.length);
      const isPrefix = preface.compare(seen, 0, length, 0, length) === 0;
      if (isPrefix && seen.length < preface.length) return;
      clearTimeout(timer);
      heard();
      socket.off("readable", peek);
      socket.off("error", onEarlyError);
      if (isPrefix) {
        socket.unshift(seen);
        this.#http2.emit("connection", socket);
      } else this.#serveHttp1(socket).receive(seen);
    };
    socket.on("readable", peek);
  }

  #serveHttp1(socket: Socket): ServerConnection {
    const connection = new ServerConnection({
      socket,
      peer: peerOf(socket),
      limits: listenerLimits,
      heads: this.#heads,
      onRequest: this.#options.onRequest,
      isClosing: () => this.#closing,
      onClose: () => this.#http1.delete(connection),
    });
    this.#http1.add(connection);
    return connection;
  }

  #createHttp2(): http2.Http2Server {
    const server = http2.createServer({
      settings: {
        maxConcurrentStreams: listenerLimits.streamsPerSessionMax,
        initialWindowSize: listenerLimits.streamWindowBytes,
        maxHeaderListSize: listenerLimits.headerBytesMax,
        enablePush: false,
      },
      maxHeaderListPairs: headersMax,
      maxSessionMemory: listenerLimits.sessionMemoryMiB,
      maxSendHeaderBlockLength: 64 * 1024,
      streamResetBurst: listenerLimits.streamResetBurst,
      streamResetRate: listenerLimits.streamResetRate,
    });
    server.on("session", (session) => this.#onSession(session));
    server.on("sessionError", () => {});
    server.on("stream", (stream: ServerHttp2Stream, _headers, flags, raw) => {
      const peer = this.#sessions.get(stream.session as ServerHttp2Session);
      // Streams of a session that is gone still come up once.
      if (peer === undefined) stream.destroy();
      else this.#options.onRequest(new Http2Downstream(stream, flags, raw as unknown as string[], peer));
    });
    return server;
  }

  #onSession(session: ServerHttp2Session): void {
    this.#sessions.set(session, peerOf(session.socket as Socket));
    session.once("close", () => this.#sessions.delete(session));
    session.setLocalWindowSize(listenerLimits.sessionWindowBytes);
    session.setTimeout(listenerLimits.sessionIdleMs, () => session.close());
    if (this.#closing) session.goaway(0, 2 ** 31 - 1);
  }
}

function waitMs(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || ms === 0) return resolve();
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done, { once: true });
  });
}

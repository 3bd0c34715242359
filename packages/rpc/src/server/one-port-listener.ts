import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import {
  createServer as createHttp2Server,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { type AddressInfo, createServer as createNetServer, type Server as NetServer, type Socket } from "node:net";

export type NodeRequest = IncomingMessage | Http2ServerRequest;
export type NodeResponse = ServerResponse | Http2ServerResponse;

export interface OnePortListenerOptions {
  host: string;
  /** 0 picks a free port. */
  port: number;
  handle(request: NodeRequest, response: NodeResponse): void;
  /** May take a request of HTTP/2 as the bare stream, before `handle` gets it; true: it has. */
  handleStream?(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean;
  /** HTTP upgrade requests (WebSocket); refused when absent. */
  upgrade?(request: IncomingMessage, socket: Socket, head: Buffer): void;
  /** Open connections at most. Default 10,000. */
  connectionsMax?: number;
  /** Streams of one HTTP/2 connection at a time. Default 256. */
  streamsMax?: number;
}

export interface OnePortListener {
  port(): number;
  listen(): Promise<void>;
  /** Refuses new connections, lets requests in hand finish, and cuts what remains when the signal aborts. */
  close(signal: AbortSignal): Promise<void>;
  readonly http1: HttpServer;
  readonly http2: Http2Server;
}

/** A connection must say what it speaks within this. */
const firstByteTimeoutMs = 10_000;
/** The same once the server stops: who wanted to ask has done so by then. */
const firstByteTimeoutAtEndMs = 1_000;
const windowBytes = 1 << 20;
const prefaceStart = Buffer.from("PRI");

/**
 * Serves HTTP/1.1 and cleartext HTTP/2 with prior knowledge (RFC 9113 section 3.3) on one port: the first bytes of a
 * connection decide which server gets it.
 */
export function createOnePortListener(options: OnePortListenerOptions): OnePortListener {
  const { connectionsMax = 10_000, streamsMax = 256 } = options;
  const sockets = new Set<Socket>();
  /** Those that have said nothing yet. */
  const silent = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  let closing = false;

  const http1 = createHttpServer(
    {
      keepAliveTimeout: 75_000,
      headersTimeout: 15_000,
      requestTimeout: 300_000,
      connectionsCheckingInterval: 5_000,
      maxHeaderSize: 16_384,
    },
    (request, response) => {
      if (closing) response.setHeader("connection", "close");
      options.handle(request, response);
    },
  );
  if (options.upgrade)
    http1.on("upgrade", (request, socket, head) => options.upgrade?.(request, socket as Socket, head));
  const http2 = createHttp2Server({
    settings: { maxConcurrentStreams: streamsMax, initialWindowSize: windowBytes, maxHeaderListSize: 16_384 },
    maxSessionMemory: 32,
  });
  // Never listens: makes requests and responses of the streams that are handed to it.
  const compatibility = createHttp2Server((request, response) => options.handle(request, response));
  http2.on("stream", (stream: ServerHttp2Stream, headers, flags, rawHeaders) => {
    if (options.handleStream?.(stream, headers)) return;
    compatibility.emit("stream", stream, headers, flags, rawHeaders);
  });
  http2.on("session", (session) => {
    sessions.add(session);
    session.setLocalWindowSize(4 * windowBytes);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => session.destroy());
    if (closing) session.close();
  });
  const net: NetServer = createNetServer({ noDelay: true }, (socket) => {
    if (sockets.size >= connectionsMax) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    silent.add(socket);
    socket.on("close", () => silent.delete(socket));
    dispatchByFirstBytes(socket, http1, http2, () => silent.delete(socket));
  });

  return {
    http1,
    http2,
    port: () => (net.address() as AddressInfo).port,
    listen: () =>
      new Promise((resolve, reject) => {
        net.once("error", reject);
        net.listen(options.port, options.host, () => {
          // Starts the header and request time-outs and the tracking of idle connections, which Node ties to this event.
          http1.emit("listening");
          resolve();
        });
      }),
    async close(signal) {
      closing = true;
      const closed = new Promise<void>((resolve) => net.close(() => resolve()));
      http1.closeIdleConnections();
      const idle = setInterval(() => {
        http1.closeIdleConnections();
        // Everything was said to this peer, and it does not hang up: one that left a stream in the middle may never do.
        for (const socket of sockets) if (socket.writableFinished) socket.destroy();
      }, 100);
      for (const session of sessions) session.close();
      for (const socket of silent) socket.setTimeout(firstByteTimeoutAtEndMs);
      const cut = () => {
        for (const socket of sockets) socket.destroy();
      };
      signal.addEventListener("abort", cut, { once: true });
      await closed;
      clearInterval(idle);
      http1.close(() => {});
      signal.removeEventListener("abort", cut);
    },
  };
}

function dispatchByFirstBytes(socket: Socket, http1: HttpServer, http2: Http2Server, heard: () => void): void {
  socket.setTimeout(firstByteTimeoutMs, () => socket.destroy());
  const onReadable = () => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    socket.unshift(chunk);
    // One or two bytes of "PRI" could still become either; wait for more.
    if (chunk.length < prefaceStart.length && prefaceStart.subarray(0, chunk.length).equals(chunk)) return;
    socket.removeListener("readable", onReadable);
    heard();
    socket.setTimeout(0);
    const server = chunk.subarray(0, prefaceStart.length).equals(prefaceStart) ? http2 : http1;
    server.emit("connection", socket);
  };
  socket.on("readable", onReadable);
}

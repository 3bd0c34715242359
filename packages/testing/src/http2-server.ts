import type { IncomingMessage, ServerResponse } from "node:http";
import http2, { type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";

export interface Http2ServerOptions {
  /** SETTINGS_MAX_CONCURRENT_STREAMS. */
  streamsMax?: number;
  /** A connection is told to go away at so many requests: that one is still answered, those that are on the way are not touched. */
  goAwayAfter?: number;
  /** Of the GOAWAY. Default NO_ERROR. */
  goAwayCode?: number;
}

export interface Http2Server {
  port: number;
  /** All that were opened, those that a caller gave up before it was answered as well. */
  sessions: readonly ServerHttp2Session[];
  /** Connections that stand. */
  openNow(): number;
  /** Most requests at a time on one connection. */
  streamsSeen(): number;
  close(): void;
}

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** A cleartext HTTP/2 server that uses what the protocol lets it do to its callers. */
export async function startHttp2Server(
  handle: (request: Request, response: Response) => void,
  { streamsMax, goAwayAfter = Number.POSITIVE_INFINITY, goAwayCode = 0 }: Http2ServerOptions = {},
): Promise<Http2Server> {
  const sessions: ServerHttp2Session[] = [];
  const states = new WeakMap<object, { requests: number; now: number; lastId: number }>();
  let streamsSeen = 0;
  const settings = streamsMax === undefined ? {} : { maxConcurrentStreams: streamsMax };
  const server = http2.createServer({ settings }, (request, response) => {
    const { stream } = request;
    const session = stream.session as ServerHttp2Session;
    const state = states.get(session) ?? { requests: 0, now: 0, lastId: Number.POSITIVE_INFINITY };
    states.set(session, state);
    const id = stream.id as number;
    stream.on("error", () => {});
    if (id > state.lastId) return;
    state.now++;
    streamsSeen = Math.max(streamsSeen, state.now);
    stream.once("close", () => state.now--);
    if (++state.requests === goAwayAfter) {
      state.lastId = id;
      session.goaway(goAwayCode, id);
    }
    handle(request, response);
  });
  server.on("session", (session) => {
    sessions.push(session);
    session.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    sessions,
    openNow: () => sessions.filter((session) => !session.closed && !session.destroyed).length,
    streamsSeen: () => streamsSeen,
    close() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

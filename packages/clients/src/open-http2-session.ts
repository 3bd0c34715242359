import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { giveUpAfter } from "./give-up-after.ts";

export interface OpenHttp2SessionOptions {
  authority: string;
  connectTimeoutMs: number;
  /** Called when it takes no more streams: it was closed, or the peer says that it will be. */
  onLeaving(): void;
  /** Called when the peer has changed what it allows. */
  onSettings(): void;
}

export interface OpenedSession {
  readonly session: ClientHttp2Session;
  /** What the peer allows at a time. */
  streamsMax(): number;
}

const pingIntervalMs = 10_000;
const pingTimeoutMs = 3_000;
/** Node's 64 KiB makes large answers crawl, and a slow reader lose their tail. */
const streamWindowBytes = 1 << 20;
const sessionWindowBytes = 8 << 20;
/** The head of an answer. */
const headBytesMax = 64 << 10;

/** Above it a connection that was told to go away has processed nothing. */
const lastStreamIds = new WeakMap<ClientHttp2Session, number>();

/**
 * The peer has not processed a stream that ended without an answer (RFC 9113 sections 6.8 and 8.7), whatever the method was:
 * it was refused, it came after the last one that a GOAWAY names, or it never left.
 */
export function wasNotProcessed(session: ClientHttp2Session, stream: ClientHttp2Stream): boolean {
  if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || stream.id === undefined) return true;
  return stream.id > (lastStreamIds.get(session) ?? Number.POSITIVE_INFINITY);
}

/** Resolves when the peer has sent its SETTINGS: only then is it known to speak HTTP/2, and what it allows. */
export function openHttp2Session(options: OpenHttp2SessionOptions): Promise<OpenedSession> {
  const { authority, connectTimeoutMs, onLeaving, onSettings } = options;
  return new Promise((resolve, reject) => {
    const session = connect(authority, {
      settings: { initialWindowSize: streamWindowBytes, enablePush: false, maxHeaderListSize: headBytesMax },
    });
    let streamsMax = 0;
    const inTime = giveUpAfter(connectTimeoutMs, () =>
      session.destroy(Object.assign(new Error(`no HTTP/2 within ${connectTimeoutMs} ms`), { code: "ETIMEDOUT" })),
    );
    session.on("error", (err) => {
      inTime();
      onLeaving();
      reject(err);
    });
    session.on("close", () => {
      inTime();
      onLeaving();
      reject(Object.assign(new Error("the connection was closed before HTTP/2 was agreed on"), { code: "ECONNRESET" }));
    });
    session.on("goaway", (_code, lastStreamId) => {
      if (lastStreamId !== undefined) lastStreamIds.set(session, lastStreamId);
      onLeaving();
      session.close();
    });
    session.on("remoteSettings", ({ maxConcurrentStreams }) => {
      const isFirst = streamsMax === 0;
      streamsMax = maxConcurrentStreams ?? Number.POSITIVE_INFINITY;
      if (!isFirst) {
        onSettings();
        return;
      }
      inTime();
      session.setLocalWindowSize(sessionWindowBytes);
      keepAlive(session);
      // An idle connection does not keep the process from ending.
      session.unref();
      resolve({ session, streamsMax: () => streamsMax });
    });
  });
}

/** Finds connections that died without a word: a ping that is not answered in time ends the session. */
function keepAlive(session: ClientHttp2Session): void {
  const interval = setInterval(() => {
    if (session.closed || session.destroyed) return;
    session.ping(giveUpAfter(pingTimeoutMs, () => session.destroy(new Error("ping was not answered"))));
  }, pingIntervalMs);
  interval.unref();
  session.once("close", () => clearInterval(interval));
}

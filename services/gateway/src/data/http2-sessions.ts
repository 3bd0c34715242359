import http2, { type ClientHttp2Session } from "node:http2";

export const http2UpstreamLimits = {
  connectTimeoutMs: 2_000,
  /** Connections to one endpoint. */
  sessionsMax: 8,
  /** Streams on one connection before another is opened; peers commonly allow 100. */
  streamsPerSessionMax: 90,
  /** Node's 64 KiB makes large answers crawl, and a slow reader lose their tail. */
  streamWindowBytes: 1024 * 1024,
  sessionWindowBytes: 8 * 1024 * 1024,
  maxHeaderListBytes: 32 * 1024,
} as const;

interface Entry {
  session: ClientHttp2Session;
  streams: number;
  ready: Promise<ClientHttp2Session>;
}

/** Cleartext HTTP/2 connections to one endpoint; a new one is opened when the others are full or going away. */
export class Http2Sessions {
  readonly #origin: string;
  #entries: Entry[] = [];

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** A session with room for one more stream, which is taken until `release`. Rejects when it cannot connect. */
  async acquire(): Promise<ClientHttp2Session> {
    const open = this.#entries.filter(({ session }) => !session.closed && !session.destroyed);
    let entry: Entry | undefined;
    for (const candidate of open)
      if (candidate.streams < room(candidate.session) && (!entry || candidate.streams < entry.streams))
        entry = candidate;
    if (entry === undefined && open.length >= http2UpstreamLimits.sessionsMax)
      entry = open.reduce((least, next) => (next.streams < least.streams ? next : least));
    entry ??= this.#open();
    entry.streams++;
    try {
      return await entry.ready;
    } catch (err) {
      entry.streams--;
      throw err;
    }
  }

  release(session: ClientHttp2Session): void {
    const entry = this.#entries.find((candidate) => candidate.session === session);
    if (entry) entry.streams--;
  }

  #open(): Entry {
    const session = http2.connect(this.#origin, {
      settings: {
        enablePush: false,
        initialWindowSize: http2UpstreamLimits.streamWindowBytes,
        maxHeaderListSize: http2UpstreamLimits.maxHeaderListBytes,
      },
    });
    const ready = new Promise<ClientHttp2Session>((resolve, reject) => {
      const timer = setTimeout(
        () => session.destroy(new Error("connect timed out")),
        http2UpstreamLimits.connectTimeoutMs,
      );
      session.once("connect", () => {
        clearTimeout(timer);
        session.setLocalWindowSize(http2UpstreamLimits.sessionWindowBytes);
        resolve(session);
      });
      session.once("close", () => {
        clearTimeout(timer);
        reject(new Error("the connection closed while it was opened"));
      });
      session.once("error", reject);
    });
    ready.catch(() => {});
    const entry: Entry = { session, streams: 0, ready };
    // Streams report their own errors; these listeners only keep the process alive and the list short.
    session.on("error", () => {});
    session.on("close", () => {
      this.#entries = this.#entries.filter((other) => other !== entry);
    });
    // An idle session must not hold the process open.
    session.unref();
    this.#entries.push(entry);
    return entry;
  }

  /** Waits for the streams. */
  async close(): Promise<void> {
    await Promise.all(
      this.#entries.map(({ session }) => new Promise<void>((resolve) => session.close(() => resolve()))),
    );
  }

  destroy(): void {
    for (const { session } of this.#entries) session.destroy();
  }
}

function room(session: ClientHttp2Session): number {
  const peer = session.remoteSettings?.maxConcurrentStreams ?? http2UpstreamLimits.streamsPerSessionMax;
  return Math.min(peer, http2UpstreamLimits.streamsPerSessionMax);
}

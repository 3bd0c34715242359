import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionRequestOptions,
  connect,
  type OutgoingHttpHeaders,
} from "node:http2";

/** One HTTP/2 connection to an instance, opened when needed and again after it ended. Fits connect-node's session manager. */
export interface Http2Channel {
  readonly authority: string;
  /** Resolves when the peer has sent its SETTINGS: only then is it known to speak HTTP/2. */
  open(): Promise<ClientHttp2Session>;
  /** The connection, where one stands that takes calls. */
  current(): ClientHttp2Session | undefined;
  request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    options: Omit<ClientSessionRequestOptions, "signal">,
  ): Promise<ClientHttp2Stream>;
  notifyResponseByteRead(stream: ClientHttp2Stream): void;
  close(): void;
}

const connectTimeoutMs = 1_000;
const pingIntervalMs = 10_000;
const pingTimeoutMs = 3_000;
const streamWindowBytes = 1 << 20;
const sessionWindowBytes = 4 << 20;

export function createHttp2Channel(authority: string): Http2Channel {
  let current: Promise<ClientHttp2Session> | undefined;
  let standing: ClientHttp2Session | undefined;

  function open(): Promise<ClientHttp2Session> {
    if (current) return current;
    const opening = openSession(authority, () => {
      // After GOAWAY or close the next call opens a new connection; calls in hand finish on the old one.
      if (current === opening) current = standing = undefined;
    });
    current = opening;
    opening.then(
      (session) => {
        if (current === opening) standing = session;
      },
      () => {
        if (current === opening) current = undefined;
      },
    );
    return opening;
  }

  return {
    authority,
    open,
    current: () => (standing?.closed ? undefined : standing),
    async request(method, path, headers, options) {
      const session = await open();
      return session.request({ ...headers, ":method": method, ":path": path }, options);
    },
    notifyResponseByteRead() {},
    close() {
      current?.then((session) => session.close()).catch(() => {});
      current = standing = undefined;
    },
  };
}

function openSession(authority: string, onEnding: () => void): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect(authority, { settings: { initialWindowSize: streamWindowBytes, enablePush: false } });
    const timer = setTimeout(
      () => session.destroy(Object.assign(new Error(`no HTTP/2 within ${connectTimeoutMs} ms`), { code: "ETIMEDOUT" })),
      connectTimeoutMs,
    );
    session.on("error", (err) => {
      clearTimeout(timer);
      onEnding();
      reject(err);
    });
    session.on("close", () => {
      clearTimeout(timer);
      onEnding();
      reject(Object.assign(new Error("the connection was closed before HTTP/2 was agreed on"), { code: "ECONNRESET" }));
    });
    session.once("goaway", () => {
      onEnding();
      session.close();
    });
    session.once("remoteSettings", () => {
      clearTimeout(timer);
      session.setLocalWindowSize(sessionWindowBytes);
      keepAlive(session);
      // An idle connection does not keep the process from ending.
      session.unref();
      resolve(session);
    });
  });
}

/** Finds connections that died without a word: a ping that is not answered in time ends the session. */
function keepAlive(session: ClientHttp2Session): void {
  const interval = setInterval(() => {
    if (session.closed || session.destroyed) return;
    const timer = setTimeout(() => session.destroy(new Error("ping was not answered")), pingTimeoutMs);
    session.ping(() => clearTimeout(timer));
  }, pingIntervalMs);
  interval.unref();
  session.once("close", () => clearInterval(interval));
}

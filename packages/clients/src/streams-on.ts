import type { ClientHttp2Stream, ClientSessionRequestOptions, OutgoingHttpHeaders } from "node:http2";
import type { Http2Sessions, PooledSession } from "./http2-sessions.ts";

/** A place on one of the connections. Rejects with what `signal` is aborted with, and when there can be none. */
export function placeOn(sessions: Http2Sessions, signal?: AbortSignal): Promise<PooledSession> {
  return new Promise((resolve, reject) => {
    const waiter = {
      onSession(pooled: PooledSession): void {
        signal?.removeEventListener("abort", onAbort);
        resolve(pooled);
      },
      onUnavailable(error: Error): void {
        signal?.removeEventListener("abort", onAbort);
        reject(error);
      },
    };
    function onAbort(): void {
      sessions.abandon(waiter);
      reject(signal?.reason);
    }
    signal?.addEventListener("abort", onAbort, { once: true });
    sessions.wait(waiter);
  });
}

/** The connections as connect-node's transports use one: fits its session manager. */
export interface StreamsOn {
  readonly authority: string;
  request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    options: Omit<ClientSessionRequestOptions, "signal">,
  ): Promise<ClientHttp2Stream>;
  notifyResponseByteRead(stream: ClientHttp2Stream): void;
}

export function streamsOn(authority: string, sessions: Http2Sessions): StreamsOn {
  return {
    authority,
    async request(method, path, headers, options) {
      const pooled = sessions.take() ?? (await placeOn(sessions));
      try {
        const stream = pooled.session.request({ ...headers, ":method": method, ":path": path }, options);
        stream.once("close", () => sessions.release(pooled));
        return stream;
      } catch (err) {
        sessions.release(pooled);
        throw err;
      }
    },
    notifyResponseByteRead() {},
  };
}

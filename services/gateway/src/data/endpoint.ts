import { Pool } from "undici";
import { Http2Sessions } from "./http2-sessions.ts";
import { Outlier, type OutlierOptions } from "./outlier.ts";

export const upstreamLimits = {
  /** A local network answers a handshake in milliseconds; a black hole never does. */
  connectTimeoutMs: 2_000,
  /** HTTP/1.1 connections per endpoint; more requests wait in line. */
  connectionsMax: 512,
  /** Below the 5 s after which Node servers close idle connections. */
  keepAliveTimeoutMs: 4_000,
  /** Head of an answer. */
  maxHeaderBytes: 32 * 1024,
} as const;

/** One instance of a service, with its connections. */
export class Endpoint {
  readonly service: string;
  readonly host: string;
  readonly port: number;
  /** "host:port"; IPv6 in brackets. */
  readonly authority: string;
  readonly outlier: Outlier;
  readonly sessions: Http2Sessions;
  draining = false;
  inFlight = 0;
  #pool: Pool | undefined;

  constructor(service: string, host: string, port: number, outlier: OutlierOptions = {}) {
    this.service = service;
    this.host = host;
    this.port = port;
    this.authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    this.outlier = new Outlier(outlier);
    this.sessions = new Http2Sessions(`http://${this.authority}`);
  }

  /** Opened by the first request. */
  get pool(): Pool {
    this.#pool ??= new Pool(`http://${this.authority}`, {
      allowH2: false,
      connections: upstreamLimits.connectionsMax,
      pipelining: 1,
      connect: { timeout: upstreamLimits.connectTimeoutMs },
      keepAliveTimeout: upstreamLimits.keepAliveTimeoutMs,
      maxHeaderSize: upstreamLimits.maxHeaderBytes,
      // The gateway's own timers decide; undici's would only add a second opinion.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return this.#pool;
  }

  /** Lets requests in flight finish, then closes the connections. */
  async close(): Promise<void> {
    await Promise.all([this.#pool?.close(), this.sessions.close()]);
  }

  /** Cuts everything. */
  async destroy(): Promise<void> {
    this.sessions.destroy();
    await this.#pool?.destroy();
  }
}

import { Latency, Outlier, type OutlierOptions } from "@plinth/balancer";
import { createHttp2Sessions, type Http2Sessions } from "@plinth/clients/http2";
import { type Clock, hostPort } from "@plinth/kernel";
import { ConnectionPool } from "./http1/connection-pool.ts";

export const upstreamLimits = {
  /** A local network answers a handshake in milliseconds; a black hole never does. */
  connectTimeoutMs: 2_000,
  /** HTTP/1.1 connections per endpoint; more requests wait in line. */
  connectionsMax: 512,
  /** Below the 5 s after which Node servers close idle connections. */
  keepAliveTimeoutMs: 4_000,
  /** Taken off the time for which a service says it keeps idle connections. */
  keepAliveMarginMs: 1_000,
  /** Head of an answer. */
  headBytesMax: 32 * 1024,
  /** Header fields of an answer. */
  fieldsMax: 200,
  /** Interim answers (1xx) before the answer. */
  interimMax: 16,
} as const;

export interface EndpointOptions {
  service: string;
  host: string;
  port: number;
  /** See DiscoveredEndpoint. */
  byName?: boolean | undefined;
  clock: Clock;
  outlier?: OutlierOptions | undefined;
  /** Told how long each request that had to wait for its place on an HTTP/2 connection did. */
  onWaited?: ((ms: number) => void) | undefined;
}

/** One instance of a service, with its connections. */
export class Endpoint {
  readonly service: string;
  readonly host: string;
  readonly port: number;
  /** "host:port"; IPv6 in brackets. */
  readonly authority: string;
  /** What requests name as their host, whatever the caller named; empty: what the caller did. */
  readonly ownHost: string;
  readonly outlier: Outlier;
  readonly latency = new Latency();
  readonly sessions: Http2Sessions;
  draining = false;
  inFlight = 0;
  #pool: ConnectionPool | undefined;

  constructor({ service, host, port, byName = false, clock, outlier, onWaited }: EndpointOptions) {
    this.service = service;
    this.host = host;
    this.port = port;
    this.authority = hostPort(host, port);
    this.ownHost = byName ? this.authority : "";
    this.outlier = new Outlier(outlier);
    const { connectTimeoutMs } = upstreamLimits;
    this.sessions = createHttp2Sessions({ authority: `http://${this.authority}`, clock, connectTimeoutMs, onWaited });
  }

  /** Opened by the first request. */
  get pool(): ConnectionPool {
    this.#pool ??= new ConnectionPool({ host: this.host, port: this.port, ...upstreamLimits });
    return this.#pool;
  }

  /** Over HTTP/2. */
  connections(): { open: number; waiting: number } {
    return this.sessions.counts();
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

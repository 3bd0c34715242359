import type { ContenderOptions } from "../contender.ts";

export interface GatewayBench {
  port: number;
  upstreamPort: number;
  jwksFile: string;
  jwks: object;
}

/** A gateway under test: what it is, how it starts, and on which paths it does what. */
export interface Gateway {
  name: string;
  version: string;
  start: ContenderOptions;
  /** Forwarding alone, and with token, rate limit, metrics and access log. */
  paths: { plain?: string; full?: string };
}

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "@plinth/kernel";
import { freePort } from "../free-port.ts";
import type { LocalServer } from "../local-server.ts";
import { startServerProcess } from "../server-process.ts";
import { consulBinary } from "./install-consul.ts";

export interface LocalConsulOptions {
  /** Data, settings and log. Started on again it knows the same services. */
  directory: string;
  clock: Clock;
  /** Default: a free one. */
  port?: number;
  /** Default: a free one. */
  dnsPort?: number;
  /** Turns ACLs on, with default policy deny: this token may do everything. */
  initialToken?: string;
}

export interface LocalConsul extends LocalServer {
  readonly url: string;
  /** host:port of its DNS interface. */
  readonly dns: string;
}

const startTimeoutMs = 60_000;
const stopTimeoutMs = 10_000;
const statusTimeoutMs = 2_000;

/** Runs one Consul agent, server and client in one process, on loopback. */
export async function startConsul(options: LocalConsulOptions): Promise<LocalConsul> {
  const { directory, clock } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const port = options.port ?? (await freePort());
  const dnsPort = options.dnsPort ?? (await freePort());
  const { initialToken } = options;
  // The agent needs one of its own to take services off the catalogue, and one for those who ask by DNS.
  const tokens = { initial_management: initialToken, agent: initialToken, dns: initialToken };
  const acl = { enabled: true, default_policy: "deny", tokens };
  const settings = {
    server: true,
    bootstrap_expect: 1,
    bind_addr: "127.0.0.1",
    client_addr: "127.0.0.1",
    data_dir: path.join(directory, "data"),
    ports: {
      http: port,
      dns: dnsPort,
      grpc: -1,
      grpc_tls: -1,
      server: await freePort(),
      serf_lan: await freePort(),
      serf_wan: -1,
    },
    // Alone, it needs no time to find out whether others lead.
    performance: { raft_multiplier: 1 },
    disable_update_check: true,
    ...(initialToken === undefined ? {} : { acl }),
  };
  const file = path.join(directory, "consul.json");
  await writeFile(file, JSON.stringify(settings), { mode: 0o600 });
  const url = `http://127.0.0.1:${port}`;
  const server = await startServerProcess({
    name: "consul",
    command: consulBinary(),
    args: ["agent", `-config-file=${file}`],
    directory,
    address: `127.0.0.1:${port}`,
    isReady: () => isReady(url, initialToken),
    ...{ startTimeoutMs, stopTimeoutMs, clock },
  });
  return { ...server, url, dns: `127.0.0.1:${dnsPort}` };
}

/** It leads, and knows the token that it was given. */
async function isReady(url: string, token: string | undefined): Promise<boolean> {
  const signal = AbortSignal.timeout(statusTimeoutMs);
  const leader = await fetch(`${url}/v1/status/leader`, { signal });
  if (!leader.ok || (await leader.text()).length <= 2) return false;
  if (token === undefined) return true;
  return (await fetch(`${url}/v1/acl/token/self`, { headers: { "x-consul-token": token }, signal })).ok;
}

import { existsSync } from "node:fs";
import path from "node:path";
import type { Clock } from "@plinth/kernel";
import { freePort } from "../free-port.ts";
import type { LocalServer } from "../local-server.ts";
import { startServerProcess } from "../server-process.ts";
import { userCache } from "../user-cache.ts";

export interface LocalEtcdOptions {
  /** Data and log. Started on again it serves the same data. */
  directory: string;
  clock: Clock;
  /** Default: a free one. */
  port?: number;
}

export interface LocalEtcd extends LocalServer {
  readonly url: string;
}

const startTimeoutMs = 30_000;
const stopTimeoutMs = 5_000;
const healthTimeoutMs = 2_000;

/** What PLINTH_ETCD names, else the one that the hermetic cluster is made of. */
function etcdBinary(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const folder = environment["PLINTH_KUBE_BIN"] || userCache(environment, "plinth-cluster", "bin");
  return environment["PLINTH_ETCD"] || path.join(folder, "etcd");
}

/** Why etcd cannot run on this machine, with what to do about it. Undefined when it can. */
export const etcdProblem = (): string | undefined =>
  existsSync(etcdBinary())
    ? undefined
    : "etcd is not built: run e2e/cluster/build.sh kube, or name a binary in PLINTH_ETCD";

/** Runs one etcd on loopback. */
export async function startEtcd(options: LocalEtcdOptions): Promise<LocalEtcd> {
  const { directory, clock } = options;
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  const server = await startServerProcess({
    name: "etcd",
    command: etcdBinary(),
    args: [
      `--data-dir=${path.join(directory, "data")}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
    ],
    directory,
    address: `127.0.0.1:${port}`,
    isReady: async () => (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(healthTimeoutMs) })).ok,
    ...{ startTimeoutMs, stopTimeoutMs, clock },
  });
  return { ...server, url };
}

import { createHash } from "node:crypto";
import type { Clock } from "@plinth/kernel";
import { Agent } from "undici";
import type { ClusterConfig, ClusterTls } from "./cluster-config.ts";

/** The shared agent and the headers that prove who we are, both kept fresh. */
export interface Connection {
  get(fresh: boolean): Promise<{ agent: Agent; headers: Record<string, string> }>;
  close(): Promise<void>;
}

export interface ConnectionOptions {
  cluster: ClusterConfig;
  clock: Clock;
  connectionsMax: number;
}

/** Tokens of pods are replaced by the kubelet well before they end; client-go reads them as often. */
const credentialsAgeMaxMs = 60_000;
const connectTimeoutMs = 10_000;
/** Below the 60 s after which cloud load balancers forget idle connections. */
const keepAliveProbeMs = 30_000;

export function createConnection({ cluster, clock, connectionsMax }: ConnectionOptions): Connection {
  const retired = new Set<Agent>();
  let current: { agent: Agent; headers: Record<string, string>; tls: string; readAtMs: number } | undefined;
  let reading: Promise<void> | undefined;

  async function read(fresh: boolean): Promise<void> {
    const { headers, tls } = await cluster.credentials(fresh);
    const fingerprint = hashOf(tls);
    const agent = current?.tls === fingerprint ? current.agent : createAgent(tls, connectionsMax);
    if (current && current.agent !== agent) retire(current.agent);
    current = { agent, headers, tls: fingerprint, readAtMs: clock.monotonicMs() };
  }

  /** Calls in flight end on the old agent; new ones use the new certificate. */
  function retire(agent: Agent): void {
    retired.add(agent);
    agent.close().finally(() => retired.delete(agent));
  }

  return {
    async get(fresh) {
      const stale = !current || fresh || clock.monotonicMs() - current.readAtMs > credentialsAgeMaxMs;
      if (stale) {
        reading ??= read(fresh).finally(() => {
          reading = undefined;
        });
        await reading;
      }
      if (!current) throw new Error("credentials were read but are not there");
      return current;
    },
    async close() {
      const agents = [...retired, ...(current ? [current.agent] : [])];
      await Promise.all(agents.map((agent) => agent.destroy()));
    },
  };
}

const createAgent = (tls: ClusterTls, connectionsMax: number): Agent =>
  new Agent({
    connections: connectionsMax,
    pipelining: 1,
    // One connection per watch keeps a slow consumer from stalling the others.
    allowH2: false,
    keepAliveTimeout: keepAliveProbeMs,
    connect: { ...tls, timeout: connectTimeoutMs, keepAlive: true, keepAliveInitialDelay: keepAliveProbeMs },
  });

function hashOf(tls: ClusterTls): string {
  const hash = createHash("sha256");
  for (const [name, value] of Object.entries(tls)) hash.update(`${name}\0${String(value)}\0`);
  return hash.digest("hex");
}

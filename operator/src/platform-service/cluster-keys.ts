import type { Clock, Component, Logger } from "@plinth/kernel";
import type { Transport } from "@plinth/kube";

/** The keys with which the cluster signs ServiceAccount tokens, and under which name (OpenID Connect discovery). */
export interface ClusterKeys extends Component {
  current(): { jwks: string; issuer: string } | undefined;
}

export interface ClusterKeysOptions {
  transport: Transport;
  clock: Clock;
  logger: Logger;
  changed: () => void;
}

/** Clusters rotate these keys rarely, and announce new ones long before they sign with them. */
const refreshMs = 300_000;
const retryMs = 5_000;

export function createClusterKeys({ transport, clock, logger, changed }: ClusterKeysOptions): ClusterKeys {
  const stopping = new AbortController();
  let current: { jwks: string; issuer: string } | undefined;
  let running: Promise<void> | undefined;

  async function read(): Promise<void> {
    const accept = "application/jwk-set+json, application/json";
    const get = async (path: string) =>
      (await transport.send({ method: "GET", path, accept, signal: stopping.signal })).body;
    const { issuer } = (await get("/.well-known/openid-configuration")) as { issuer?: string };
    const body = await get("/openid/v1/jwks");
    if (!issuer) throw new Error("the API server names no issuer of ServiceAccount tokens");
    const jwks = typeof body === "string" ? body : JSON.stringify(body);
    if (current?.jwks === jwks && current.issuer === issuer) return;
    current = { jwks, issuer };
    changed();
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      let waitMs = refreshMs;
      try {
        await read();
      } catch (err) {
        if (stopping.signal.aborted) return;
        logger.warn({ err }, "the cluster's keys of ServiceAccount tokens could not be read");
        waitMs = retryMs;
      }
      await clock.sleep(waitMs, stopping.signal).catch(() => {});
    }
  }

  return {
    name: "cluster keys",
    current: () => current,
    async start() {
      running ??= run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

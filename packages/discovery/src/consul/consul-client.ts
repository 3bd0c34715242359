import { type Clock, Fault } from "@plinth/kernel";
import { callRegistry, parseRegistryServers, type RegistryServer, registryAway } from "../shared/registry-server.ts";

export interface ConsulAnswer<T> {
  status: number;
  body: T;
  /** X-Consul-Index: what to ask from the next time. */
  index: bigint;
}

/** The agent's HTTP API, version 1: https://developer.hashicorp.com/consul/api-docs */
export interface ConsulClient {
  put(path: string, body?: unknown): Promise<ConsulAnswer<string>>;
  /** A blocking query waits up to `waitMs` for a change after `index`. */
  get<T>(path: string, options: { index: bigint; waitMs: number; signal: AbortSignal }): Promise<ConsulAnswer<T>>;
}

const callTimeoutMs = 5_000;

/**
 * A client of this machine's agent. Throws Fault REGISTRY_UNAVAILABLE when it does not answer or has no leader,
 * REGISTRY_REFUSED when the token may not do this. 404 is an answer.
 */
export function createConsulClient(options: { url: string; token: string | undefined; clock: Clock }): ConsulClient {
  const { clock } = options;
  const [agent] = parseRegistryServers(options.url) as [RegistryServer];
  const headers: Record<string, string> = options.token === undefined ? {} : { "x-consul-token": options.token };

  async function checked(answer: Response): Promise<Response> {
    if (answer.ok || answer.status === 404) return answer;
    const message = `Consul answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`;
    if (answer.status >= 500) throw registryAway(message);
    throw new Fault({ code: "failed_precondition", reason: "REGISTRY_REFUSED", message });
  }

  return {
    async put(path, body) {
      const url = `${agent.url}/v1/${path}`;
      const answer = await checked(
        await callRegistry({ method: "PUT", url, headers, body, timeoutMs: callTimeoutMs, clock }),
      );
      return { status: answer.status, body: await answer.text(), index: indexOf(answer) };
    },
    async get<T>(path: string, { index, waitMs, signal }: { index: bigint; waitMs: number; signal: AbortSignal }) {
      const wait = index === 0n ? "" : `index=${index}&wait=${waitMs}ms`;
      const url = `${agent.url}/v1/${path}${path.includes("?") ? "&" : "?"}${wait}`;
      // The agent waits up to a sixteenth longer, so that not all of its clients come back at once.
      const timeoutMs = (index === 0n ? 0 : waitMs + waitMs / 16) + callTimeoutMs;
      const answer = await checked(await callRegistry({ method: "GET", url, headers, timeoutMs, signal, clock }));
      return { status: answer.status, body: (await answer.json()) as T, index: indexOf(answer) };
    },
  };
}

const indexOf = (answer: Response): bigint => {
  const text = answer.headers.get("x-consul-index") ?? "";
  return /^\d+$/.test(text) ? BigInt(text) : 0n;
};

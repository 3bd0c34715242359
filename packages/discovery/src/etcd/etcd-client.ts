import { type Clock, Fault } from "@plinth/kernel";
import { callRegistry, parseRegistryServers, type RegistryServer, registryAway } from "../shared/registry-server.ts";

/** The JSON form of etcd's gRPC API, version 3: https://etcd.io/docs/latest/dev-guide/api_grpc_gateway/ */
export interface EtcdClient {
  call<T>(path: string, message: object): Promise<T>;
  /** A call whose answer goes on: bytes of one JSON document a line. Ends with the signal. */
  open(path: string, message: object, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

const callTimeoutMs = 5_000;

/**
 * A client of one cluster. One server is asked as long as it answers, then the next. Throws Fault REGISTRY_UNAVAILABLE when
 * the one that was asked does not answer, REGISTRY_REFUSED when it does not want to.
 */
export function createEtcdClient(urls: string, clock: Clock): EtcdClient {
  const servers = parseRegistryServers(urls);
  let current = 0;
  let token: string | undefined;

  type Way = { stream?: boolean; signal?: AbortSignal };

  async function send(path: string, message: object, way: Way = {}, mayRenew = true): Promise<Response> {
    const server = servers[current % servers.length] as RegistryServer;
    if (server.user && token === undefined) token = await authenticate(server);
    let answer: Response;
    try {
      answer = await callRegistry({
        method: "POST",
        url: `${server.url}/v3/${path}`,
        headers: token === undefined ? {} : { authorization: token },
        body: message,
        timeoutMs: callTimeoutMs,
        clock,
        ...way,
      });
    } catch (err) {
      if (!way.signal?.aborted) current++;
      throw err;
    }
    if (answer.status === 401 && server.user && mayRenew) {
      // Tokens end after minutes, and with the server that gave them.
      token = undefined;
      await answer.body?.cancel();
      return send(path, message, way, false);
    }
    if (!answer.ok) {
      // A server without a leader, or one that is on its way out.
      if (answer.status >= 500) current++;
      throw await refusal(answer);
    }
    return answer;
  }

  async function authenticate({ url, user }: RegistryServer): Promise<string> {
    const message = { name: user?.name, password: user?.password };
    const answer = await callRegistry({
      method: "POST",
      url: `${url}/v3/auth/authenticate`,
      body: message,
      timeoutMs: callTimeoutMs,
      clock,
    });
    if (!answer.ok) throw await refusal(answer);
    return ((await answer.json()) as { token: string }).token;
  }

  return {
    async call<T>(path: string, message: object) {
      const answer = await send(path, message);
      return (await answer.json()) as T;
    },
    async open(path, message, signal) {
      const answer = await send(path, message, { stream: true, signal });
      return answer.body as AsyncIterable<Uint8Array>;
    },
  };
}

async function refusal(answer: Response): Promise<Fault> {
  const text = await answer.text().catch(() => "");
  const message = `etcd answered ${answer.status}: ${text.slice(0, 300)}`;
  return answer.status >= 500
    ? registryAway(message)
    : new Fault({ code: "failed_precondition", reason: "REGISTRY_REFUSED", message });
}

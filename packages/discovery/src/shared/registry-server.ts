import { type Clock, Fault } from "@plinth/kernel";

/** An address of a registry's HTTP API, and who calls it. */
export interface RegistryServer {
  /** Without a slash at the end. */
  url: string;
  user?: { name: string; password: string };
}

/** Comma-separated http:// or https:// URLs, which may carry name and password. Throws with what is wrong. */
export function parseRegistryServers(text: string): RegistryServer[] {
  const servers = text.split(",").flatMap((part) => (part.trim() === "" ? [] : [parseServer(part.trim())]));
  if (servers.length === 0) throw new Error("PLINTH_DISCOVERY_URL is empty: name at least one server of the registry");
  return servers;
}

function parseServer(text: string): RegistryServer {
  const url = URL.parse(text);
  // The text may hold a password: it is not repeated.
  if (url === null || !["http:", "https:"].includes(url.protocol))
    throw new Error("PLINTH_DISCOVERY_URL must be http:// or https:// URLs of the registry's servers, comma-separated");
  const user = { name: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  const base = `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  return { url: base, ...(url.username === "" ? {} : { user }) };
}

export const registryAway = (message: string, cause?: unknown): Fault =>
  new Fault({ code: "unavailable", reason: "REGISTRY_UNAVAILABLE", message, cause });

export interface RegistryCall {
  method: "GET" | "PUT" | "POST";
  url: string;
  headers?: Record<string, string>;
  body?: unknown;
  /** For the whole answer; of a stream, for its head. */
  timeoutMs: number;
  stream?: boolean;
  signal?: AbortSignal | undefined;
  clock: Clock;
}

/** One request. Throws Fault REGISTRY_UNAVAILABLE when nothing answers in time; the signal's reason when that ends it. */
export async function callRegistry(call: RegistryCall): Promise<Response> {
  const { method, url, headers, body, signal } = call;
  const late = new AbortController();
  const answered = new AbortController();
  call.clock.sleep(call.timeoutMs, answered.signal).then(
    () => late.abort(new Error(`no answer within ${call.timeoutMs} ms`)),
    () => {},
  );
  try {
    const answer = await fetch(url, {
      method,
      headers: { "content-type": "application/json", ...headers },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ? AbortSignal.any([late.signal, signal]) : late.signal,
    });
    if (call.stream) return answer;
    return new Response(await answer.arrayBuffer(), { status: answer.status, headers: answer.headers });
  } catch (err) {
    if (signal?.aborted) throw signal.reason;
    throw registryAway(`the registry at ${new URL(url).host} does not answer`, err);
  } finally {
    answered.abort();
  }
}

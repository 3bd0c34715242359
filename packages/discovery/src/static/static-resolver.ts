import type { Endpoint, Registry, Resolver } from "../discovery.ts";

/**
 * Reads "auth=127.0.0.1:8081,auth=127.0.0.1:8082,authz=authz.local:8080": endpoints that never change, for tests and
 * for addresses that something else keeps right. Throws Error for text of another form.
 */
export function parseStaticEndpoints(text: string): Map<string, Endpoint[]> {
  const endpoints = new Map<string, Endpoint[]>();
  for (const entry of text.split(",").filter(Boolean)) {
    const match = /^([a-z0-9-]+)=(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(entry.trim());
    if (!match) throw new Error(`"${entry}" is not of the form service=host:port`);
    const [, service = "", ipv6, name, port] = match;
    const host = ipv6 ?? name ?? "";
    const list = endpoints.get(service) ?? [];
    list.push({ instanceId: `${host}:${port}`, host, port: Number(port), draining: false });
    endpoints.set(service, list);
  }
  return endpoints;
}

export function createStaticResolver(endpoints: ReadonlyMap<string, readonly Endpoint[]>): Resolver {
  return {
    name: "static resolver",
    watch(service, onChange) {
      onChange(endpoints.get(service) ?? []);
      return { close() {} };
    },
  };
}

/** Where something else announces the instances, registering has nothing to do. */
export const noRegistry: Registry = {
  name: "no registry",
  register: async () => ({ drain: async () => {}, deregister: async () => {} }),
};

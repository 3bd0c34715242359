import type { Facts } from "./facts.ts";

/** Where people reach the service, as far as Gateway and route tell; undefined for an internal service. */
export function publicUrl({ service, observed }: Facts): string | undefined {
  const { route } = service.spec;
  const { gateway } = observed.gatewayApi;
  if (!route || !gateway) return undefined;
  const listener =
    gateway.spec.listeners.find(({ protocol }) => protocol === "HTTPS") ??
    gateway.spec.listeners.find(({ protocol }) => protocol === "HTTP");
  if (!listener) return undefined;
  const host = [...(route.hostnames ?? []), listener.hostname, gateway.status?.addresses?.[0]?.value].find(
    (candidate) => candidate !== undefined && !candidate.startsWith("*"),
  );
  if (host === undefined) return undefined;
  const scheme = listener.protocol.toLowerCase();
  const usual = scheme === "https" ? 443 : 80;
  const name = host.includes(":") ? `[${host}]` : host;
  const port = listener.port === usual ? "" : `:${listener.port}`;
  return `${scheme}://${name}${port}${route.rules[0]?.path ?? "/"}`;
}

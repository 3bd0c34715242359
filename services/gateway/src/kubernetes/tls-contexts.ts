import { X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import { HostMap } from "../data/host-map.ts";
import type { Certificate } from "./compile/compile-certificates.ts";
import type { CompiledPort } from "./compile/compiled-cluster.ts";

interface Shown {
  context: SecureContext;
  certificate: X509Certificate;
}

/** Made once for each Secret: loading a key costs a millisecond, and a Certificate never changes. */
const made = new WeakMap<Certificate, Shown>();

function shownOf(certificate: Certificate): Shown {
  const known = made.get(certificate);
  if (known) return known;
  const shown = {
    context: createSecureContext({ cert: certificate.cert, key: certificate.key }),
    certificate: new X509Certificate(certificate.cert),
  };
  made.set(certificate, shown);
  return shown;
}

/** The certificate for each server name: of the listener with the most specific name, the first that is made out to it. */
export function tlsContexts(
  listeners: NonNullable<CompiledPort["certificates"]>,
): (serverName: string) => SecureContext | undefined {
  const byHost = new HostMap<readonly Shown[]>();
  for (const { hostname, certificates } of listeners) byHost.set(hostname, certificates.map(shownOf));
  return (serverName) => {
    const shown = byHost.find(serverName) ?? [];
    const fitting = shown.length > 1 ? shown.find(({ certificate }) => certificate.checkHost(serverName)) : undefined;
    return (fitting ?? shown[0])?.context;
  };
}

import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Gateway, GatewayListener, SecretReference } from "../gateway-api.ts";
import type { Secret } from "../snapshot.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { Finding } from "./finding.ts";

/** What a listener shows to callers of its host name. */
export interface Certificate {
  /** "namespace/name" of the Secret. */
  secret: string;
  /** PEM: the certificate and those that vouch for it. */
  cert: string;
  /** PEM. */
  key: string;
}

/** The usable certificates of an HTTPS listener, and what is wrong with the first unusable one. */
export function compileCertificates(
  view: ClusterView,
  gateway: Gateway,
  { tls }: GatewayListener,
): { certificates: Certificate[]; problem: Finding | undefined } {
  const references = tls?.certificateRefs ?? [];
  if (tls?.mode === "Passthrough" || references.length === 0)
    return { certificates: [], problem: invalid("the listener needs tls.certificateRefs and the mode Terminate") };
  const found = references.map((reference) => resolve(view, gateway, reference));
  return {
    certificates: found.flatMap((entry) => ("cert" in entry ? [entry] : [])),
    problem: found.find((entry): entry is Finding => "reason" in entry),
  };
}

const invalid = (message: string): Finding => ({ reason: "InvalidCertificateRef", message });

function resolve(view: ClusterView, gateway: Gateway, reference: SecretReference): Certificate | Finding {
  const { group = "", kind = "Secret", name } = reference;
  const home = gateway.metadata.namespace ?? "";
  const namespace = reference.namespace ?? home;
  if (group !== "" || kind !== "Secret") return invalid(`${kind} ${name} holds no certificate; a Secret does`);
  if (!view.mayRefer({ kind: "Gateway", namespace: home }, { kind: "Secret", namespace, name }))
    return {
      reason: "RefNotPermitted",
      message: `no ReferenceGrant in ${namespace} lets Gateways of ${home} refer to the Secret ${name}`,
    };
  const secret = view.secret(namespace, name);
  if (secret === undefined) return invalid(`there is no Secret ${namespace}/${name} of type kubernetes.io/tls`);
  const known = read.get(secret);
  if (known !== undefined) return known;
  const pair = readPair(secret, `${namespace}/${name}`);
  read.set(secret, pair);
  return pair;
}

/** Reading costs more than the rest of compiling, and a Secret object never changes. */
const read = new WeakMap<Secret, Certificate | Finding>();

function readPair({ data }: Secret, secret: string): Certificate | Finding {
  const cert = Buffer.from(data?.["tls.crt"] ?? "", "base64").toString("utf8");
  const key = Buffer.from(data?.["tls.key"] ?? "", "base64").toString("utf8");
  try {
    const certificate = new X509Certificate(cert);
    if (!certificate.checkPrivateKey(createPrivateKey(key)))
      return invalid(`tls.key of the Secret ${secret} does not belong to its tls.crt`);
  } catch {
    // What OpenSSL says names no field a person wrote.
    return invalid(`tls.crt or tls.key of the Secret ${secret} is not PEM of a certificate or key`);
  }
  return { secret, cert, key };
}

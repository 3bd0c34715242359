import { X509Certificate } from "node:crypto";
import { resources } from "@plinth/kube";
import type { Check, Finding } from "../check.ts";
import { apiName, mayI } from "./api-checks.ts";
import type { ClusterContext } from "./cluster-context.ts";
import { gatewayApiName } from "./install-checks.ts";

const category = "secrets";
const dayMs = 86_400_000;
const certificateWarnsDays = 14;
const sealingKeyBytes = 32;

/** Secrets that the platform cannot do without, and the certificates of its Gateways. */
export const secretChecks: readonly Check<ClusterContext>[] = [
  {
    category,
    name: "secrets",
    anchor: "cluster-secrets",
    hint: "give the Secret the entries in docs/kubernetes.md, or let helm upgrade make it again",
    needs: [apiName],
    run: secrets,
  },
  {
    category,
    name: "certificates",
    anchor: "cluster-certificates",
    hint: "renew the certificate and replace tls.crt and tls.key of its Secret; the gateway takes it without a restart",
    needs: [apiName, gatewayApiName],
    run: certificates,
  },
];

type Values = Record<string, string>;

interface Expected {
  name: string;
  /** Why the values will not do; undefined when they will. */
  problem(values: Values): string | undefined;
}

/** The names that the chart gives them; a chart with existingSecret has others, which are nobody's to guess. */
const expected: readonly Expected[] = [
  { name: "plinth-auth", problem: sealingKey },
  { name: "plinth-audit", problem: sealingKey },
  {
    name: "plinth-administrator",
    problem: ({ email, password }) => (email && password ? undefined : "email and password must be there"),
  },
];

function sealingKey({ "key-encryption-key": key }: Values): string | undefined {
  if (key === undefined) return "key-encryption-key is missing";
  const bytes = Buffer.from(key, "base64").length;
  return bytes === sealingKeyBytes
    ? undefined
    : `key-encryption-key has ${bytes} bytes in base64, not ${sealingKeyBytes}`;
}

async function secrets(context: ClusterContext): Promise<Finding[]> {
  const { client, platformNamespace: namespace } = context;
  if (!(await mayReadSecrets(context, namespace))) return [notAllowed(namespace)];
  const list = [...expected, ...(await databaseSecret(context))];
  const findings: Finding[] = [];
  for (const { name, problem } of list) {
    const found = await client.find(resources.secrets, { namespace, name });
    if (!found) {
      const hint = "none, if the chart was given a Secret of yours by existingSecret; else helm upgrade makes it again";
      findings.push({ status: "warning", message: `Secret ${namespace}/${name} does not exist`, hint });
      continue;
    }
    const wrong = problem(decoded(found.data));
    findings.push(
      wrong === undefined
        ? { status: "ok", message: `Secret ${namespace}/${name} is complete` }
        : { status: "failed", message: `Secret ${namespace}/${name}: ${wrong}` },
    );
  }
  return findings;
}

/** The one that the operator mounts, whatever its name. */
async function databaseSecret({ client, platformNamespace: namespace }: ClusterContext): Promise<Expected[]> {
  const operator = await client.find(resources.deployments, { namespace, name: "plinth-operator" });
  const volumes = operator?.spec?.template?.spec?.volumes ?? [];
  return volumes.flatMap(({ name, secret }): Expected[] => {
    const secretName = secret?.secretName;
    if (!secretName || !name.includes("postgres")) return [];
    const key = secret?.items?.[0]?.key ?? "url";
    return [{ name: secretName, problem: (values) => postgresUrl(values[key], key) }];
  });
}

function postgresUrl(text: string | undefined, key: string): string | undefined {
  if (text === undefined) return `${key} is missing`;
  const url = URL.parse(text.trim());
  const right = url !== null && /^postgres(ql)?:$/.test(url.protocol) && url.username !== "" && url.password !== "";
  return right ? undefined : `${key} is no postgres://USER:PASSWORD@HOST:PORT/DATABASE`;
}

async function certificates(context: ClusterContext): Promise<Finding[]> {
  const refs = (await context.gateways()).flatMap(({ metadata, spec }) =>
    spec.listeners.flatMap(({ tls }) =>
      (tls?.certificateRefs ?? []).map(({ name, namespace = metadata.namespace ?? "" }) => `${namespace}/${name}`),
    ),
  );
  if (refs.length === 0) return [{ status: "ok", message: "no Gateway ends TLS here" }];
  const findings: Finding[] = [];
  for (const ref of new Set(refs)) {
    const [namespace = "", name = ""] = ref.split("/");
    findings.push(
      (await mayReadSecrets(context, namespace)) ? await certificate(context, namespace, name) : notAllowed(namespace),
    );
  }
  return findings;
}

async function certificate({ client, clock }: ClusterContext, namespace: string, name: string): Promise<Finding> {
  const secret = await client.find(resources.secrets, { namespace, name });
  const pem = decoded(secret?.data)["tls.crt"];
  if (pem === undefined) return { status: "failed", message: `Secret ${namespace}/${name} has no tls.crt` };
  const { validToDate, subject } = new X509Certificate(pem);
  const leftDays = Math.floor((validToDate.getTime() - clock.now()) / dayMs);
  const until = validToDate.toISOString().slice(0, 10);
  const what = `the certificate in ${namespace}/${name} (${subject.replaceAll("\n", ", ")})`;
  if (leftDays < 0) return { status: "failed", message: `${what} expired on ${until}` };
  const message = `${what} is valid until ${until}, ${leftDays} days`;
  return { status: leftDays < certificateWarnsDays ? "warning" : "ok", message };
}

const mayReadSecrets = (context: ClusterContext, namespace: string): Promise<boolean> =>
  mayI(context, { verb: "get", group: "", resource: "secrets", namespace });

const notAllowed = (namespace: string): Finding => ({
  status: "warning",
  message: `this account may not read Secrets of ${namespace}, so they were not looked at`,
  hint: "run the check as somebody who may get Secrets there; nothing is shown of what is in them",
});

const decoded = (data: Values | undefined): Values =>
  Object.fromEntries(
    Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")]),
  );

import { contentHash, type resources } from "@plinth/kube";
import type { Backing } from "../backing.ts";
import { annotations, childLabels, childNames, serverSelector } from "../labels.ts";
import type { ServiceObject } from "../resources.ts";
import type { PlatformSettings } from "../settings.ts";
import { environment, kafkaFolder, redisFolder, workloadFolder } from "./environment.ts";
import { restrictedContainer, restrictedPod } from "./restricted.ts";
import { caEntry } from "./secrets.ts";
import { containerPorts } from "./service.ts";

type Deployment = NonNullable<typeof resources.deployments.object>;
export type PodTemplate = NonNullable<Deployment["spec"]>["template"];
type PodSpec = NonNullable<PodTemplate["spec"]>;

/** Everything that a pod is made from. */
export interface PodInputs {
  service: ServiceObject;
  settings: PlatformSettings;
  workloadIssuer: string;
  /** Stands for the credentials in the Secrets; undefined without any. */
  credentials: string | undefined;
  /** What of Kafka and Redis the service uses; `credentials` stands for it, too. */
  backing: Backing;
}

/**
 * Stands for the inputs, not for what is made from them: a new version of the operator that makes other pods from the same
 * inputs restarts nothing. A setting that is not given does not count, so that a new one changes nothing until it is used.
 */
export function podInputsHash({ service, settings, workloadIssuer, credentials }: PodInputs): string {
  const { image, command, args, port, adminPort, env, envFrom, resources, health, database, events, pod } =
    service.spec;
  const { platformNamespace, tokenIssuer, tokenAudience, logLevel, otlpEndpoint } = settings;
  const discoveryMode = settings.discoveryMode === "service" ? settings.discoveryMode : undefined;
  return contentHash({
    spec: { image, command, args, port, adminPort, env, envFrom, resources, health, pod },
    uses: { database: database !== undefined, events: events !== undefined },
    autoscaled: service.spec.autoscaling ? true : undefined,
    settings: { platformNamespace, tokenIssuer, tokenAudience, logLevel, otlpEndpoint, discoveryMode },
    workloadIssuer,
    credentials,
  });
}

/** Seconds from the removal of a pod from its endpoints to SIGTERM, in which callers hear of it. */
const leadTimeMaxSeconds = 5;
/** A new process may take this long until it answers /livez. */
const startUpMaxSeconds = 120;

export function podTemplate(inputs: PodInputs): PodTemplate {
  const { service, credentials, backing } = inputs;
  const { spec } = service;
  const { name } = service.metadata;
  const pod = spec.pod;
  const grace = pod?.terminationGracePeriodSeconds ?? 30;
  return {
    metadata: {
      labels: { ...pod?.labels, ...childLabels(name), ...serverSelector(name) },
      annotations: { ...pod?.annotations, ...(credentials ? { [annotations.credentials]: credentials } : {}) },
    },
    spec: {
      serviceAccountName: pod?.serviceAccountName ?? name,
      // For discovery through EndpointSlices; the account may read those and nothing else.
      automountServiceAccountToken: true,
      enableServiceLinks: false,
      securityContext: restrictedPod,
      terminationGracePeriodSeconds: grace,
      ...placement(service),
      containers: [
        {
          name: "service",
          image: spec.image,
          ...(pod?.imagePullPolicy ? { imagePullPolicy: pod.imagePullPolicy } : {}),
          ...(spec.command ? { command: spec.command } : {}),
          ...(spec.args ? { args: spec.args } : {}),
          ports: [
            { name: containerPorts.service, containerPort: spec.port, protocol: "TCP" },
            { name: containerPorts.admin, containerPort: spec.adminPort, protocol: "TCP" },
          ],
          env: environment(inputs),
          ...(spec.envFrom ? { envFrom: spec.envFrom } : {}),
          resources: resourcesOf(service),
          ...probes(service),
          lifecycle: { preStop: { sleep: { seconds: Math.min(leadTimeMaxSeconds, Math.floor(grace / 3)) } } },
          terminationMessagePolicy: "FallbackToLogsOnError",
          securityContext: restrictedContainer,
          volumeMounts: [
            { name: "workload", mountPath: workloadFolder, readOnly: true },
            { name: "tmp", mountPath: "/tmp" },
            ...authorities(name, backing).map(({ mount }) => mount),
          ],
        },
      ],
      volumes: [
        workloadVolume(name),
        { name: "tmp", emptyDir: {} },
        ...authorities(name, backing).map(({ volume }) => volume),
      ],
    },
  };
}

function probes(service: ServiceObject) {
  const { port, livePath, readyPath } = service.spec.health ?? {
    port: "Admin",
    livePath: "/livez",
    readyPath: "/readyz",
  };
  const get = (path: string) => ({
    httpGet: { path, port: port === "Service" ? containerPorts.service : containerPorts.admin },
    timeoutSeconds: 2,
  });
  return {
    startupProbe: { ...get(livePath), periodSeconds: 1, failureThreshold: startUpMaxSeconds },
    readinessProbe: { ...get(readyPath), periodSeconds: 2, failureThreshold: 3 },
    livenessProbe: { ...get(livePath), periodSeconds: 10, failureThreshold: 6 },
  };
}

/** The autoscaler measures use against the request: without one it cannot work. */
function resourcesOf({ spec }: ServiceObject): NonNullable<PodSpec["containers"][number]["resources"]> {
  const text = (amounts: Record<string, string | number | undefined> | undefined): Record<string, string> | undefined =>
    amounts &&
    Object.fromEntries(
      Object.entries(amounts).flatMap(([name, amount]) => (amount === undefined ? [] : [[name, String(amount)]])),
    );
  const requests = text(spec.resources?.requests);
  const limits = text(spec.resources?.limits);
  const measured = spec.autoscaling && !requests?.["cpu"] && !limits?.["cpu"] ? { cpu: "100m", ...requests } : requests;
  return { ...(measured ? { requests: measured } : {}), ...(limits ? { limits } : {}) };
}

function placement(service: ServiceObject): Partial<PodSpec> {
  const { pod } = service.spec;
  // Of one revision: those of the one before are going.
  const siblings = {
    labelSelector: { matchLabels: serverSelector(service.metadata.name) },
    matchLabelKeys: ["pod-template-hash"],
  };
  return {
    // Not two constraints: the scheduler heeds none of them on nodes that lack the label of one, and many have no zone.
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 100, podAffinityTerm: { topologyKey: "kubernetes.io/hostname", ...siblings } },
        ],
      },
    },
    topologySpreadConstraints: [
      { maxSkew: 1, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "ScheduleAnyway", ...siblings },
    ],
    ...(pod?.imagePullSecrets ? { imagePullSecrets: pod.imagePullSecrets } : {}),
    ...(pod?.nodeSelector ? { nodeSelector: pod.nodeSelector } : {}),
    ...(pod?.tolerations ? { tolerations: pod.tolerations } : {}),
    ...(pod?.priorityClassName ? { priorityClassName: pod.priorityClassName } : {}),
  };
}

/** Proves to other services who calls, and holds the keys by which callers are verified. */
const workloadVolume = (service: string) => ({
  name: "workload",
  projected: {
    sources: [
      { serviceAccountToken: { audience: "plinth", expirationSeconds: 3600, path: "workload-token" } },
      { configMap: { name: childNames.workloadKeys(service), items: [{ key: "jwks.json", path: "jwks.json" }] } },
    ],
  },
});

/** The authorities of Kafka and Redis, where they are not those that everybody trusts. */
function authorities(service: string, { kafka, redis }: Backing) {
  const mounted = [
    { name: "kafka-ca", secret: childNames.kafkaSecret(service), folder: kafkaFolder, ca: kafka?.ca },
    { name: "redis-ca", secret: childNames.redisSecret(service), folder: redisFolder, ca: redis?.ca },
  ].filter(({ ca }) => ca !== undefined);
  return mounted.map(({ name, secret, folder }) => ({
    volume: { name, secret: { secretName: secret, items: [{ key: caEntry, path: caEntry }] } },
    mount: { name, mountPath: folder, readOnly: true },
  }));
}

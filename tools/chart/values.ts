import { flag, group, list, map, oneOf, text, type ValueGroup, type ValueSchema, whole } from "./value.ts";

const string: ValueSchema = { type: "string" };
const strings: ValueSchema = { additionalProperties: string };
const secretNames: ValueSchema = { type: "object", required: ["name"], properties: { name: string } };
const logLevels = ["debug", "info", "warn", "error"];
const amounts = { requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "512Mi" } };

/** Every value of the chart; values.yaml, values.schema.json and the table of its README are made from this. */
export function chartValues(programs: readonly string[], services: readonly string[]): ValueGroup {
  return group("", {
    publicUrl: text("Where callers reach the platform; also the issuer of access tokens", "http://plinth.localhost", {
      pattern: "^https?://[^/]+$",
    }),
    images: group("Where images come from", {
      registry: text("Put before `plinth/NAME`, for example `registry.example.com/team`"),
      tag: text("Their tag; the chart's appVersion when empty"),
      pullPolicy: oneOf("When they are pulled", "IfNotPresent", ["Always", "IfNotPresent", "Never"]),
      pullSecrets: list("Secrets of the registry, in this namespace", [], secretNames),
      overrides: map(
        `Whole names in place of the above, by program: ${programs.join(", ")}`,
        {},
        {
          ...strings,
          propertyNames: { enum: programs },
        },
      ),
    }),
    crds: group("The kinds PlatformService and RoutePolicy", {
      enabled: flag("Upgrades their definitions with the release; they stay when it is uninstalled", true),
    }),
    postgres: group("The PostgreSQL server (15 or later) that carries all schemas and the event bus", {
      existingSecret: text("Secret with the URL of a role that may create schemas and roles: how production does it"),
      existingSecretKey: text("Entry of that Secret", "url"),
      bundled: group("One instance without replicas or backups, for trials", {
        enabled: flag("Runs it", false),
        image: text(
          "An image that keeps the contract of the official one (POSTGRES_PASSWORD, POSTGRES_DB, PGDATA)",
          "postgres:18",
        ),
        runAsUser: whole("The user that it runs as", 999, { minimum: 1, maximum: 2_147_483_647 }),
        storage: group("Where its data is", {
          persistent: flag("Keeps the data in a volume; otherwise it ends with the pod", true),
          size: text("Of the volume", "5Gi"),
          className: text("StorageClass; the cluster's default when empty"),
        }),
        resources: map("Of the container", { requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "1Gi" } }),
      }),
    }),
    kafka: group("The event bus, in place of the one in PostgreSQL", {
      existingSecret: text(
        "Secret with `brokers` (host:port, with commas) and, where Kafka asks for them, `username`, `password`, `mechanism` (`plain`, `scram-sha-256` or `scram-sha-512`, the default), `tls` (`on` or `off`; `on` with a `ca.crt`) and `ca.crt` (PEM of its authorities); `partitions` and `replication` of topics that services make: 12 and 3 without them",
      ),
    }),
    redis: group("Shared caches and rate limits that all gateways count together; Redis 7 or newer, or Valkey", {
      existingSecret: text(
        "Secret with `url` (redis:// or, with TLS, rediss://) and, for TLS, `ca.crt` (PEM of its authorities)",
      ),
    }),
    operator: group("What turns PlatformServices into schemas, instances and routes", {
      replicas: whole("One leads, the others wait", 2, { minimum: 1, maximum: 5 }),
      logLevel: oneOf("What it logs", "info", logLevels),
      workersMax: whole("Services that are reconciled at once", 8, { minimum: 1, maximum: 64 }),
      migrationSource: oneOf(
        "How migrations leave a service's image; empty: `image-volume` from Kubernetes 1.35 on, else `copy` (needs `cp` in the image)",
        "",
        ["", "copy", "image-volume"],
      ),
      // Measured with 1,000 services: 162 MiB at most (docs/benchmarks.md).
      resources: map("Of its container", { ...amounts, requests: { cpu: "50m", memory: "192Mi" } }),
      podAnnotations: map("Of its pods", {}, strings),
      nodeSelector: map("Of its pods", {}, strings),
      tolerations: list("Of its pods", [], { type: "object" }),
      priorityClassName: text("Of its pods"),
      networkPolicy: flag("Lets nobody in but who scrapes metrics", true),
    }),
    gateway: group("The single entry", {
      className: text(
        "GatewayClass; another one than `plinth` puts another implementation of the Gateway API in its place",
        "plinth",
      ),
      serviceType: oneOf("Of the Services through which Gateways are reached", "LoadBalancer", [
        "LoadBalancer",
        "ClusterIP",
        "NodePort",
      ]),
      create: flag("Makes the Gateway `plinth`; otherwise it has to be there", true),
      annotations: map("Of the Gateway", {}, strings),
      listeners: list(
        "Of the Gateway, as in the Gateway API; routes of all namespaces may attach unless a listener says otherwise",
        [{ name: "http", port: 80, protocol: "HTTP" }],
        { type: "object", required: ["name", "port", "protocol"] },
      ),
    }),
    discovery: group("How services and the gateway's routes find instances", {
      mode: oneOf(
        "`endpoints`: instances are called directly; `service`: Services by their names, so that a service mesh balances and encrypts",
        "endpoints",
        ["endpoints", "service"],
      ),
    }),
    services: map(
      `What to have otherwise in the specs of the platform's own services (${services.join(", ")}): maps are merged, lists replaced`,
      {},
      { propertyNames: { enum: services }, additionalProperties: { type: "object" } },
    ),
    telemetry: group("Logs and traces of the services", {
      logLevel: oneOf("What they log", "info", logLevels),
      otlpEndpoint: text(
        "Receiver of OTLP over HTTP, for example `http://collector.monitoring:4318`; a service's own PLINTH_OTLP_SIGNALS and PLINTH_TRACE_PERCENT say what it gets",
      ),
    }),
    auth: group("Signing keys", {
      existingSecret: text(
        "Secret with `key-encryption-key` (32 random bytes in base64). Made once and kept when empty; give one where Helm cannot look into the cluster (Argo CD, `helm template`)",
      ),
    }),
    audit: group("Personal data in the audit log, and the keys of its checkpoints", {
      existingSecret: text("Secret with `key-encryption-key`, as for auth; what was encrypted with a lost one is lost"),
    }),
    administrator: group("The first administrator", {
      enabled: flag("Makes the account, and makes it an administrator", true),
      email: text("With which it signs in", "admin@plinth.localhost", { format: "email" }),
      existingSecret: text("Secret with `email` and `password`. Made once and kept when empty, as above"),
    }),
    monitoring: group("For the Prometheus operator and Grafana", {
      enabled: flag("ServiceMonitor of the operator, PodMonitor of the services, alerts", false),
      namespaces: list("That may scrape metrics", ["monitoring"], string),
      interval: text("Between two scrapes", "30s", { pattern: "^[0-9]+(s|m)$" }),
      labels: map("Of these objects, by which a Prometheus chooses them", {}, strings),
      runbooks: text(
        "Where your people read docs/runbooks.md, without the heading: the alerts' `runbook_url`",
        "docs/runbooks.md",
      ),
      dashboard: flag("A ConfigMap with a dashboard, for Grafana's sidecar (label `grafana_dashboard`)", false),
    }),
  });
}

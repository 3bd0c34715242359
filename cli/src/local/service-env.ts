import type { EnvVar } from "@plinth/platform";
import { gatewayName, gatewaySharesPort, type LocalService } from "./local-service.ts";
import type { Secrets } from "./secrets.ts";
import { workloadIssuer } from "./workload-tokens.ts";

// Of access tokens. Not the gateway's URL: tokens outlive a change of its port.
export const tokenIssuer = "http://plinth.localhost";
export const tokenAudience = "plinth";

/** What all instances of a platform share. */
export interface PlatformEnv {
  discoveryUrl: string;
  busUrl: string;
  workloadJwksFile: string;
  routesDirectory: string;
  logLevel: string;
  /** Keys for the servers of other projects that run beside the services; they replace those below. */
  companions: Record<string, string>;
  /** Folder of the files that spans are written to. */
  traces: string;
  /** Folder for what V8 made of the code of bundles: a process that replaces another one compiles only what is new. */
  compiled: string;
}

/** What one instance has of its own. */
export interface InstanceEnv {
  instanceId: string;
  port: number;
  adminPort: number;
  workloadTokenFile: string;
  spanFile: string;
  /** Absent for a service without a database. */
  databaseUrl: string | undefined;
}

// Of the shell's environment only these reach a service, so that it runs the same everywhere.
const inherited = ["PATH", "HOME", "TMPDIR", "LANG", "TZ", "NODE_EXTRA_CA_CERTS"] as const;

/** What is watched, and by whom, is decided by whoever starts the platform, for all services alike. */
const watching = [
  "PLINTH_OTLP_ENDPOINT",
  "PLINTH_OTLP_SIGNALS",
  "PLINTH_TRACE_PERCENT",
  "OTEL_EXPORTER_OTLP_HEADERS",
] as const;

export interface ManifestEnvOptions {
  service: Pick<LocalService, "name" | "manifest">;
  secrets: Pick<Secrets, "entry" | "entries">;
}

export interface ServiceEnvOptions extends ManifestEnvOptions {
  service: LocalService;
  platform: PlatformEnv;
  instance: InstanceEnv;
  shell: Record<string, string | undefined>;
}

/** The environment of one instance. Throws an error for a person when the manifest needs what only Kubernetes has. */
export function serviceEnv(options: ServiceEnvOptions): Record<string, string> {
  const { service, platform, instance, shell } = options;
  const fromShell = (names: readonly string[]) =>
    Object.fromEntries(names.flatMap((name) => (shell[name] ? [[name, shell[name]]] : [])));
  return {
    ...fromShell(inherited),
    ...manifestEnv(options),
    // Last, so that a manifest cannot talk a service into another identity.
    PLINTH_INSTANCE_ID: instance.instanceId,
    PLINTH_HOST: "127.0.0.1",
    PLINTH_PORT: String(instance.port),
    PLINTH_ADMIN_PORT: String(instance.adminPort),
    PLINTH_ADVERTISE_HOST: "127.0.0.1",
    PLINTH_LOG_LEVEL: platform.logLevel,
    PLINTH_DISCOVERY_DRIVER: "postgres",
    PLINTH_DISCOVERY_URL: platform.discoveryUrl,
    PLINTH_BUS_DRIVER: "postgres",
    PLINTH_BUS_URL: platform.busUrl,
    PLINTH_WORKLOAD_TOKEN_FILE: instance.workloadTokenFile,
    PLINTH_WORKLOAD_JWKS: platform.workloadJwksFile,
    PLINTH_WORKLOAD_ISSUER: workloadIssuer,
    PLINTH_TOKEN_ISSUER: tokenIssuer,
    PLINTH_TOKEN_AUDIENCE: tokenAudience,
    PLINTH_EXIT_ON_STDIN_END: "true",
    ...(service.manifest.spec.local?.command ? {} : { NODE_COMPILE_CACHE: platform.compiled }),
    ...(instance.databaseUrl ? { PLINTH_DATABASE_URL: instance.databaseUrl } : {}),
    ...platform.companions,
    PLINTH_SPAN_FILE: instance.spanFile,
    ...fromShell(watching),
    ...(service.name === gatewayName ? gatewayEnv(platform) : {}),
  };
}

const gatewayEnv = ({ routesDirectory }: PlatformEnv): Record<string, string> => ({
  PLINTH_GATEWAY_ROUTES: routesDirectory,
  PLINTH_GATEWAY_REUSE_PORT: String(gatewaySharesPort),
});

/** What the manifest itself asks for. */
export function manifestEnv(options: ManifestEnvOptions): Record<string, string> {
  const { spec } = options.service.manifest;
  const replaced = spec.local?.env ?? {};
  const env: Record<string, string> = {};
  for (const source of spec.envFrom ?? []) Object.assign(env, fromObject(source, options));
  for (const variable of spec.env ?? []) {
    const value = replaced[variable.name] ?? variableValue(variable, options);
    if (value !== undefined) env[variable.name] = value;
  }
  return { ...env, ...replaced };
}

type EnvSource = NonNullable<LocalService["manifest"]["spec"]["envFrom"]>[number];

function fromObject(source: EnvSource, options: ManifestEnvOptions): Record<string, string> {
  const { prefix = "", secretRef, configMapRef } = source;
  if (configMapRef && !configMapRef.optional) throw needsConfigMap(options.service.name, configMapRef.name);
  const entries = secretRef ? options.secrets.entries(secretRef.name) : {};
  return Object.fromEntries(Object.entries(entries).map(([key, value]) => [`${prefix}${key}`, value]));
}

function variableValue(variable: EnvVar, options: ManifestEnvOptions): string | undefined {
  const { secretKeyRef, configMapKeyRef } = variable.valueFrom ?? {};
  if (secretKeyRef?.optional) return options.secrets.entries(secretKeyRef.name)[secretKeyRef.key];
  if (secretKeyRef) return options.secrets.entry(secretKeyRef.name, secretKeyRef.key);
  if (configMapKeyRef?.optional) return undefined;
  if (configMapKeyRef) throw needsConfigMap(options.service.name, configMapKeyRef.name, variable.name);
  return variable.value ?? "";
}

function needsConfigMap(service: string, configMap: string, variable?: string): Error {
  const fix = variable
    ? `give ${variable} a value in spec.local.env of its manifest`
    : "mark it optional in the manifest and give its variables in spec.local.env";
  return new Error(`${service} reads the ConfigMap ${configMap}, which exists on Kubernetes only: ${fix}`);
}

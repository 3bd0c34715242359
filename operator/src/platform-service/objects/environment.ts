import { childNames } from "../labels.ts";
import type { ServiceObject } from "../resources.ts";
import type { PlatformSettings } from "../settings.ts";

/** As a container has it. */
export interface EnvEntry {
  name: string;
  value?: string;
  valueFrom?: {
    fieldRef?: { fieldPath: string };
    secretKeyRef?: { name: string; key: string; optional?: boolean };
    configMapKeyRef?: { name: string; key: string; optional?: boolean };
  };
}

export const workloadFolder = "/var/run/secrets/plinth";

const fromField = (name: string, fieldPath: string): EnvEntry => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const fromSecret = (name: string, secret: string): EnvEntry => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key: "url" } },
});

/** The service's own variables, then the platform's, which a manifest cannot replace. */
export function environment(service: ServiceObject, settings: PlatformSettings, workloadIssuer: string): EnvEntry[] {
  const { spec } = service;
  const { name } = service.metadata;
  const platform: EnvEntry[] = [
    fromField("PLINTH_INSTANCE_ID", "metadata.name"),
    fromField("PLINTH_NAMESPACE", "metadata.namespace"),
    fromField("PLINTH_ADVERTISE_HOST", "status.podIP"),
    { name: "PLINTH_PLATFORM_NAMESPACE", value: settings.platformNamespace },
    { name: "PLINTH_PORT", value: String(spec.port) },
    { name: "PLINTH_ADMIN_PORT", value: String(spec.adminPort) },
    { name: "PLINTH_DISCOVERY_DRIVER", value: "kubernetes" },
    { name: "PLINTH_WORKLOAD_TOKEN_FILE", value: `${workloadFolder}/workload-token` },
    { name: "PLINTH_WORKLOAD_JWKS", value: `${workloadFolder}/jwks.json` },
    { name: "PLINTH_WORKLOAD_ISSUER", value: workloadIssuer },
    { name: "PLINTH_TOKEN_ISSUER", value: settings.tokenIssuer },
    { name: "PLINTH_TOKEN_AUDIENCE", value: settings.tokenAudience },
    ...(spec.database ? [fromSecret("PLINTH_DATABASE_URL", childNames.databaseSecret(name))] : []),
    ...(spec.events
      ? [{ name: "PLINTH_BUS_DRIVER", value: "postgres" }, fromSecret("PLINTH_BUS_URL", childNames.busSecret(name))]
      : []),
  ];
  // What people may want otherwise for one service.
  const replaceable: EnvEntry[] = [
    { name: "PLINTH_LOG_LEVEL", value: settings.logLevel },
    ...(settings.otlpEndpoint ? [{ name: "PLINTH_OTLP_ENDPOINT", value: settings.otlpEndpoint }] : []),
  ];
  const own = (spec.env ?? []) as EnvEntry[];
  const taken = new Set(platform.map((entry) => entry.name));
  const replaced = new Set(own.map((entry) => entry.name));
  return [
    ...own.filter((entry) => !taken.has(entry.name)),
    ...replaceable.filter((entry) => !replaced.has(entry.name)),
    ...platform,
  ];
}

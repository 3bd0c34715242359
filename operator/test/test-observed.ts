import type { Observed } from "../src/platform-service/observed.ts";
import type { PlatformSettings } from "../src/platform-service/settings.ts";

export const testSettings: PlatformSettings = {
  platformNamespace: "plinth",
  gateway: { name: "plinth", namespace: "plinth" },
  migratorImage: "plinth/migrator:0.1.0",
  migrationSource: "copy",
  tokenIssuer: "https://plinth.example.com",
  tokenAudience: "plinth",
  logLevel: "info",
  otlpEndpoint: undefined,
  discoveryMode: "endpoints",
  metricsNamespaces: ["monitoring"],
};

/** A cluster in which everything outside of the service is there, and nothing of it. */
export const testObserved: Observed = {
  children: [],
  dependencies: [],
  databaseServer: { url: "postgres://admin:secret@postgres.example.com:5432/plinth?sslmode=require" },
  freshPasswords: { ddl: "fresh-ddl", runtime: "fresh-runtime" },
  bus: { url: "postgres://plinth_bus:bus@postgres.example.com:5432/plinth" },
  workloadKeys: { jwks: '{"keys":[]}', issuer: "https://kubernetes.default.svc" },
  gatewayApi: {
    served: true,
    gateway: {
      metadata: { name: "plinth", namespace: "plinth" },
      spec: { gatewayClassName: "plinth", listeners: [{ name: "https", port: 443, protocol: "HTTPS" }] },
      status: { addresses: [{ type: "IPAddress", value: "192.0.2.1" }] },
    },
  },
  migrationPods: [],
  serverPods: [],
};

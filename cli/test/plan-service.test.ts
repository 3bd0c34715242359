import path from "node:path";
import { expect, test } from "vitest";
import { loadServices } from "../src/local/find-manifests.ts";
import { planService } from "../src/local/plan-service.ts";

const script = path.join(import.meta.dirname, "fixtures", "script", "platformservice.yaml");

test("no two processes of a service have the same instance id: they would overwrite each other in the registry", async () => {
  const [service] = await loadServices([{ file: script, core: false }]);
  if (!service) throw new Error("no service");
  const ids: (string | undefined)[] = [];
  for (const generation of [0, 1]) {
    const plan = await planService({
      service,
      replicas: { script: 2 },
      generation,
      publicPort: undefined,
      platform: {
        discoveryUrl: "postgres://d",
        busUrl: "postgres://b",
        workloadJwksFile: "/jwks.json",
        routesDirectory: "/routes",
        logLevel: "info",
        companions: {},
        traces: "/traces",
        compiled: "/run/compiled",
      },
      workloadTokenFile: "/token",
      databaseUrl: undefined,
      secrets: {
        postgresPassword: "",
        workloadKey: {},
        databasePassword: () => "",
        entry: () => "",
        entries: () => ({}),
        save: async () => {},
      },
      shell: {},
    });
    for (const { env } of plan.instances) for (const restarts of [0, 1]) ids.push(env(restarts)["PLINTH_INSTANCE_ID"]);
  }
  expect(ids).toContain("script-1");
  expect(new Set(ids).size).toBe(8);
});

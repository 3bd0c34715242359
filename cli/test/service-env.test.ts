import { parseManifests } from "@plinth/platform";
import { expect, test } from "vitest";
import type { LocalService } from "../src/local/local-service.ts";
import { serviceEnv } from "../src/local/service-env.ts";

function environment(
  specYaml: string,
  options: { name?: string; shell?: Record<string, string> } = {},
): Record<string, string> {
  const { name = "notes", shell = {} } = options;
  const text = `apiVersion: plinth.dev/v1alpha1\nkind: PlatformService\nmetadata: {name: ${name}}\nspec: {image: a, ${specYaml}}\n`;
  const { services, problems } = parseManifests(text, "test.yaml");
  expect(problems).toEqual([]);
  const [manifest] = services;
  if (!manifest) throw new Error("no manifest");
  const service: LocalService = { name, manifest, file: "/x/platformservice.yaml", folder: "/x", core: false };
  return serviceEnv({
    service,
    platform: {
      discoveryUrl: "postgres://discovery",
      busUrl: "postgres://bus",
      workloadJwksFile: "/run/jwks.json",
      routesDirectory: "/run/routes",
      logLevel: "info",
      companions: {},
      traces: "/run/traces",
      compiled: "/run/compiled",
    },
    instance: {
      instanceId: `${name}-0`,
      port: 1111,
      adminPort: 2222,
      workloadTokenFile: "/run/token",
      spanFile: `/run/traces/${name}-0.jsonl`,
      databaseUrl: undefined,
    },
    secrets: {
      entry: (secret, key) => `${secret}/${key}`,
      entries: (secret) => (secret === "shared" ? { A: "1", B: "2" } : {}),
    },
    shell,
  });
}

test("the manifest's variables, secrets included, reach the service beside those of the platform", () => {
  const env = environment(
    "env: [{name: LIMIT, value: '10'}, {name: KEY, valueFrom: {secretKeyRef: {name: s, key: k}}}], envFrom: [{prefix: X_, secretRef: {name: shared}}]",
  );
  expect(env).toMatchObject({
    LIMIT: "10",
    KEY: "s/k",
    X_A: "1",
    X_B: "2",
    PLINTH_PORT: "1111",
    PLINTH_HOST: "127.0.0.1",
  });
  expect(env).not.toHaveProperty("PLINTH_DATABASE_URL");
  expect(env).not.toHaveProperty("PLINTH_GATEWAY_ROUTES");
});

test("an optional entry of a Secret is left out while nobody gave it, instead of being made", () => {
  const optional = (name: string, key: string) =>
    environment(`env: [{name: KEY, valueFrom: {secretKeyRef: {name: ${name}, key: ${key}, optional: true}}}]`);
  expect(optional("s", "k")).not.toHaveProperty("KEY");
  expect(optional("shared", "A")).toMatchObject({ KEY: "1" });
});

test("only the gateway learns where the routes are", () => {
  expect(environment("", { name: "gateway" })).toHaveProperty("PLINTH_GATEWAY_ROUTES", "/run/routes");
});

test("a manifest cannot replace what the platform says about the instance", () => {
  const env = environment("env: [{name: PLINTH_WORKLOAD_TOKEN_FILE, value: /etc/passwd}]");
  expect(env["PLINTH_WORKLOAD_TOKEN_FILE"]).toBe("/run/token");
});

test("of the shell's environment only a short list is passed on", () => {
  const env = environment("", {
    shell: { PATH: "/bin", HOME: "/root", NPM_TOKEN: "secret", NODE_OPTIONS: "--inspect" },
  });
  expect(env).toMatchObject({ PATH: "/bin", HOME: "/root" });
  expect(env).not.toHaveProperty("NPM_TOKEN");
  expect(env).not.toHaveProperty("NODE_OPTIONS");
});

test("spec.local.env wins, and stands in for what only Kubernetes has", () => {
  const reference = "env: [{name: A, valueFrom: {configMapKeyRef: {name: c, key: k}}}]";
  expect(() => environment(reference)).toThrow(/ConfigMap c.*spec[.]local[.]env/);
  expect(environment(`${reference}, local: {env: {A: here}}`)["A"]).toBe("here");
});

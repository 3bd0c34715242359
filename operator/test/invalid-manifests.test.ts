import { isFault } from "@plinth/kernel";
import { validate } from "@plinth/platform";
import { whyNoApiServer } from "@plinth/testing/kube";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { platformServices } from "../src/platform-service/resources.ts";
import { startTestCluster, type TestCluster } from "./test-cluster.ts";

const absent = whyNoApiServer();
const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `h${i}.example.com`);
const rules = (...list: object[]): object => ({ route: { rules: list } });
const route = (rule: object): object => rules({ path: "/a", ...rule });
const cors = (fields: object): object => ({ route: { rules: [{ path: "/" }], cors: fields } });
const database = (fields: object): object => ({ database: { schema: "notes", ...fields } });

/** Fields that are wrong, where, and words of the message by which a person knows what to do. */
const table: [spec: object, field: string, fix: string][] = [
  [{ image: "" }, "spec.image", "at least 1"],
  [{ image: "no spaces here" }, "spec.image", "registry.example.com/notes:1.2.0"],
  [{ image: "x".repeat(513) }, "spec.image", "512"],
  [{ replicas: -1 }, "spec.replicas", "greater than or equal to 0"],
  [{ replicas: 501 }, "spec.replicas", "500"],
  [{ replicas: "2" }, "spec.replicas", "integer"],
  [{ replicas: 2, autoscaling: { max: 3 } }, "spec", "not both"],
  [{ autoscaling: {} }, "spec.autoscaling.max", "Required"],
  [{ autoscaling: { min: 5, max: 2 } }, "spec.autoscaling", "min must not be greater than max"],
  [{ autoscaling: { max: 3, targetCPUPercent: 101 } }, "spec.autoscaling.targetCPUPercent", "100"],
  [{ port: 80 }, "spec.port", "1024"],
  [{ port: 9000, adminPort: 9000 }, "spec", "port and adminPort must differ"],
  [{ env: [{ name: "1A", value: "x" }] }, "spec.env[0].name", "not starting with a digit"],
  [{ env: [{ name: "A", value: "x", valueFrom: {} }] }, "spec.env[0].valueFrom", "exactly one of"],
  [{ env: [{ name: "A" }, { name: "A" }] }, "spec.env[1]", "Duplicate"],
  [
    { env: [{ name: "A", valueFrom: { secretKeyRef: { name: "s" } } }] },
    "spec.env[0].valueFrom.secretKeyRef.key",
    "Required",
  ],
  [{ envFrom: [{}] }, "spec.envFrom[0]", "exactly one of secretRef and configMapRef"],
  [{ envFrom: [{ secretRef: { name: "Not_A_Name" } }] }, "spec.envFrom[0].secretRef.name", "lower-case letters"],
  [{ resources: { limits: { memory: "lots" } } }, "spec.resources.limits.memory", "256Mi"],
  [{ resources: { requests: { cpu: -1 } } }, "spec.resources.requests.cpu", "250m"],
  [{ health: { port: "Other" } }, "spec.health.port", '"Admin", "Service"'],
  [database({ schema: "Notes" }), "spec.database.schema", "for example notes"],
  [database({ schema: "public" }), "spec.database.schema", "reserved"],
  [database({ schema: "pg_mine" }), "spec.database.schema", "reserved"],
  [database({ schema: "a".repeat(49) }), "spec.database.schema", "48"],
  [{ database: {} }, "spec.database.schema", "Required"],
  [database({ migrations: {} }), "spec.database.migrations", "exactly one of path"],
  [database({ migrations: { path: "/m", command: ["m"] } }), "spec.database.migrations", "exactly one of path"],
  [database({ migrations: { path: "/m", timeout: "10" } }), "spec.database.migrations.timeout", "for example"],
  [database({ migrations: { command: [] } }), "spec.database.migrations.command", "at least 1"],
  [database({ deletionPolicy: "Keep" }), "spec.database.deletionPolicy", '"Retain", "Delete"'],
  [{ events: { publishes: ["Notes"] } }, "spec.events.publishes[0]", "notes.note.v1"],
  [{ events: { publishes: ["*"] } }, "spec.events.publishes[0]", "notes.note.v1"],
  [{ events: { consumes: ["a.b.v1", "a.b.v1"] } }, "spec.events.consumes[1]", "Duplicate"],
  [{ route: {} }, "spec.route.rules", "Required"],
  [rules(), "spec.route.rules", "at least 1"],
  [rules({ path: "a" }), "spec.route.rules[0].path", 'must start with "/"'],
  [rules({ path: "/a//b" }), "spec.route.rules[0].path", "plain path"],
  [rules({ path: "/a?b" }), "spec.route.rules[0].path", "without query"],
  [rules({ path: "/a" }, { path: "/a" }), "spec.route.rules[1]", "Duplicate"],
  [route({ pathType: "Regex" }), "spec.route.rules[0].pathType", '"Prefix", "Exact"'],
  [route({ authentication: "Always" }), "spec.route.rules[0].authentication", '"None", "Optional", "Required"'],
  [route({ rateLimit: {} }), "spec.route.rules[0].rateLimit.requests", "Required"],
  [route({ rateLimit: { requests: 0 } }), "spec.route.rules[0].rateLimit.requests", "greater than or equal to 1"],
  [route({ rateLimit: { name: "Log in", requests: 1 } }), "spec.route.rules[0].rateLimit.name", "lower-case letters"],
  [
    rules({ path: "/a", rateLimit: { name: "x", requests: 1 } }, { path: "/b", rateLimit: { name: "x", requests: 2 } }),
    "spec.route.rules",
    "the same values",
  ],
  [route({ rateLimit: { requests: 1, per: "soon" } }), "spec.route.rules[0].rateLimit.per", "for example"],
  [route({ timeout: "1.5s" }), "spec.route.rules[0].timeout", "whole number"],
  [route({ maxBodyBytes: 0 }), "spec.route.rules[0].maxBodyBytes", "greater than or equal to 1"],
  [{ route: { hostnames: ["Example.com"], rules: [{ path: "/" }] } }, "spec.route.hostnames[0]", "api.example.com"],
  [{ route: { hostnames: many(17), rules: [{ path: "/" }] } }, "spec.route.hostnames", "16"],
  [cors({}), "spec.route.cors.allowOrigins", "Required"],
  [cors({ allowOrigins: ["https://a.example.com/path"] }), "spec.route.cors.allowOrigins[0]", "without a path"],
  [cors({ allowOrigins: ["*"], allowCredentials: true }), "spec.route.cors", "list the origins"],
  [{ dependsOn: ["Auth"] }, "spec.dependsOn[0]", "service name"],
  [{ dependsOn: ["auth", "auth"] }, "spec.dependsOn[1]", "Duplicate"],
  [{ disruption: {} }, "spec.disruption", "exactly one of minAvailable"],
  [{ networkPolicy: { mode: "Closed" } }, "spec.networkPolicy.mode", '"Restricted", "Open"'],
  [
    { pod: { terminationGracePeriodSeconds: 1 } },
    "spec.pod.terminationGracePeriodSeconds",
    "greater than or equal to 5",
  ],
  [{ paused: "yes" }, "spec.paused", "boolean"],
  [{ replica: 2 }, "spec.replica", "unknown field"],
];

describe.skipIf(absent)(`an API server refuses${absent ? ` (skipped: ${absent})` : ""}`, () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startTestCluster();
  });
  afterAll(() => cluster?.stop());

  async function refusal(name: string, spec: object): Promise<string> {
    const draft = { metadata: { name, namespace: "default" }, spec: spec as never };
    try {
      await cluster.client.create(platformServices, draft, { dryRun: true });
    } catch (err) {
      if (isFault(err) && err.code === "invalid_argument") return err.message;
      throw err;
    }
    throw new Error("it was accepted");
  }

  test("nothing that is right", async () => {
    await expect(refusal("fine", { image: "example/notes:1" })).rejects.toThrow("it was accepted");
  });

  test.each(table)("%j: names %s, says %j", async (wrong, field, fix) => {
    const spec = { image: "example/notes:1", ...wrong };
    const message = await refusal("notes", spec);
    expect(message).toContain(field);
    expect(message).toContain(fix);
    const manifest = { apiVersion: "plinth.dev/v1alpha1", kind: "PlatformService", metadata: { name: "notes" }, spec };
    expect(validate(manifest).length, "and so does `plinth validate`").toBeGreaterThan(0);
  });

  test.each([
    ["Notes", "lower case"],
    ["1notes", "starting with a letter"],
    ["a".repeat(41), "at most 40 characters"],
  ])("the name %s", async (name, fix) => {
    expect(await refusal(name, { image: "example/notes:1" })).toContain(fix);
  });

  test("a port that meets the default of the other", async () => {
    expect(await refusal("notes", { image: "example/notes:1", port: 9090 })).toContain(
      "port and adminPort must differ",
    );
  });

  test("another schema for a service that has one", async () => {
    const metadata = { name: "fixed", namespace: "default" };
    await cluster.client.create(platformServices, {
      metadata,
      spec: { image: "example/notes:1", database: { schema: "one" } } as never,
    });
    const change = { spec: { database: { schema: "two" } } };
    await expect(cluster.client.patch(platformServices, metadata, change, { type: "merge" })).rejects.toThrow(
      "the data stays in the old schema",
    );
  });
});

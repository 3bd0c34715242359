import { expect, test } from "vitest";
import { applyDefaults } from "../src/defaults.ts";
import type { PlatformService } from "../src/platform-service.ts";
import { validate } from "../src/validate.ts";

const service = (spec: object = {}, name = "notes"): PlatformService => ({
  apiVersion: "plinth.dev/v1alpha1",
  kind: "PlatformService",
  metadata: { name },
  spec: { image: "notes:1", ...spec },
});

test("a schema name cannot change once it is set", () => {
  const before = service({ database: { schema: "notes" } });
  expect(validate(service({ database: { schema: "other" } }), before).map((f) => f.path)).toEqual([
    ["spec", "database", "schema"],
  ]);
  expect(validate(service({ database: { schema: "notes" } }), before)).toEqual([]);
  expect(validate(service({ database: { schema: "other" } }), service())).toEqual([]);
});

test("a port may not collide with a default that nobody wrote", () => {
  expect(validate(service({ port: 9090 }))).toMatchObject([
    { path: ["spec"], message: "port and adminPort must differ" },
  ]);
  expect(validate(service({ port: 9090, adminPort: 9091 }))).toEqual([]);
});

test("names end where names made from them would not fit any more", () => {
  expect(validate(service({}, "a".repeat(40)))).toEqual([]);
  expect(validate(service({}, "a".repeat(41)))).toHaveLength(1);
});

test.each([
  ["1ms", true],
  ["5s", true],
  ["10m", true],
  ["1h", true],
  ["5", false],
  ["1.5s", false],
  ["-1s", false],
  ["5 s", false],
  ["5s\n", false],
])("duration %j is accepted: %s", (timeout, accepted) => {
  const findings = validate(service({ route: { rules: [{ path: "/", timeout }] } }));
  expect(findings.length === 0).toBe(accepted);
});

test.each([
  ["250m", true],
  ["256Mi", true],
  [1, true],
  ["1.5", true],
  [-1, false],
  ["lots", false],
  ["1.5.5", false],
  [1.5, false],
])("quantity %j is accepted: %s", (cpu, accepted) => {
  expect(validate(service({ resources: { limits: { cpu } } })).length === 0).toBe(accepted);
});

test("the same path may be matched as prefix and exactly, but not twice the same way", () => {
  const rules = (...list: object[]) => validate(service({ route: { rules: list } }));
  expect(rules({ path: "/a" }, { path: "/a", pathType: "Exact" })).toEqual([]);
  expect(rules({ path: "/a" }, { path: "/a", pathType: "Prefix" })).toHaveLength(1);
});

test("defaults fill only objects that are there, and change nothing when applied again", () => {
  const plain = applyDefaults(service());
  expect(plain.spec).toEqual({ image: "notes:1", port: 8080, adminPort: 9090, paused: false });
  const routed = applyDefaults(service({ route: { rules: [{ path: "/" }] } }));
  expect(routed.spec.route?.rules).toEqual([{ path: "/", pathType: "Prefix", authentication: "Required" }]);
  expect(applyDefaults(routed)).toEqual(routed);
});

test.each([[null], [[]], ["text"], [7], [{}], [{ spec: null }]])("%j is refused, not crashed on", (value) => {
  expect(validate(value).length).toBeGreaterThan(0);
});

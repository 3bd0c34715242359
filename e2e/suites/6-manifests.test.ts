import { beforeAll, describe, expect, inject, test } from "vitest";
import { ensurePlatform } from "../platform/ensure-platform.ts";
import { kubectl, kubectlWith } from "../platform/kubectl.ts";

beforeAll(() => ensurePlatform(inject("target")));

const service = (spec: object, name = "example"): string =>
  JSON.stringify({ apiVersion: "plinth.dev/v1alpha1", kind: "PlatformService", metadata: { name }, spec });

// operator/test/invalid-manifests.test.ts has the long table; these show that the chart's definitions are the same ones.
describe("kubectl apply", () => {
  test.each([
    ["no image", {}, "spec.image"],
    ["replicas beside autoscaling", { image: "a/b:1", replicas: 2, autoscaling: { min: 1, max: 2 } }, "spec"],
    ["a route without rules", { image: "a/b:1", route: { rules: [] } }, "spec.route.rules"],
    ["an unknown field", { image: "a/b:1", replica: 2 }, "spec.replica"],
  ])("refuses %s and names the field", async (_, spec, field) => {
    const { code, stderr } = await kubectlWith(service(spec), ["apply", "--dry-run=server", "-n", "default"]);
    expect(code).not.toBe(0);
    expect(stderr).toContain(field);
  });

  test("refuses a name that is too long for what is made from it", async () => {
    const { code } = await kubectlWith(service({ image: "a/b:1" }, "a".repeat(41)), [
      "apply",
      "--dry-run=server",
      "-n",
      "default",
    ]);
    expect(code).not.toBe(0);
  });
});

test("kubectl explain reads like documentation", async () => {
  const text = await kubectl("explain", "psvc.spec", "--recursive=false");
  for (const field of ["image", "replicas", "database", "route", "dependsOn"]) expect(text).toContain(field);
  expect(text).not.toContain("<no description>");
});

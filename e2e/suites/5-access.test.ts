import { beforeAll, describe, expect, inject, test } from "vitest";
import { ensurePlatform } from "../platform/ensure-platform.ts";
import { tryKubectl } from "../platform/kubectl.ts";
import { release } from "../platform/release.ts";

beforeAll(() => ensurePlatform(inject("target")));

const account = (name: string): string => `system:serviceaccount:${release.namespace}:${name}`;
const groups = ["--as-group=system:serviceaccounts", "--as-group=system:authenticated"];

async function may(who: string, verb: string, what: string, namespace: string): Promise<boolean> {
  const { stdout } = await tryKubectl("auth", "can-i", verb, what, "-n", namespace, `--as=${who}`, ...groups);
  return stdout.trim() === "yes";
}

describe("rights", () => {
  test.each([
    ["plinth-operator", "create", "deployments", "default", true],
    ["plinth-operator", "patch", "platformservices/status", "default", true],
    ["plinth-operator", "update", "leases/plinth-operator", release.namespace, true],
    ["plinth-operator", "update", "leases/another", release.namespace, false],
    ["plinth-operator", "create", "leases", "default", false],
    ["plinth-operator", "create", "pods", "default", false],
    ["plinth-operator", "create", "pods/exec", "default", false],
    ["plinth-operator", "delete", "platformservices", "default", false],
    ["plinth-operator", "create", "clusterrolebindings", "default", false],
    ["plinth-operator", "create", "rolebindings", "default", false],
    ["plinth-operator", "update", "nodes", "default", false],
    ["plinth-operator", "delete", "namespaces", "default", false],
    ["gateway", "list", "httproutes", "default", true],
    ["gateway", "create", "deployments", "default", false],
    ["gateway", "list", "pods", "default", false],
    ["identity", "list", "endpointslices", "default", true],
    ["identity", "get", "secrets", release.namespace, false],
    ["identity", "list", "pods", release.namespace, false],
    ["plinth-cli", "get", "secrets", release.namespace, false],
  ])("%s: %s %s in %s: %s", async (name, verb, what, namespace, allowed) => {
    expect(await may(account(name), verb, what, namespace)).toBe(allowed);
  });

  test("of people: editors of a namespace deploy services, viewers see them", async () => {
    const rules = await tryKubectl("get", "clusterrole", "edit", "view", "-o", "json");
    const roles = (JSON.parse(rules.stdout) as { items: { rules: { apiGroups: string[]; verbs: string[] }[] }[] })
      .items;
    const verbs = roles.map((role) =>
      role.rules.filter(({ apiGroups }) => apiGroups.includes("plinth.dev")).flatMap((rule) => rule.verbs),
    );
    expect(verbs[0]).toContain("create");
    expect(verbs[1]).toEqual(["get", "list", "watch"]);
  });
});

import { beforeAll, describe, expect, inject, test } from "vitest";
import { conditions, get, list, wait } from "../platform/kubectl.ts";
import { helm, helmInstall, release, removeEverything } from "../platform/release.ts";

const target = inject("target");
const { namespace } = release;
const platform = ["audit", "auth", "authz", "gateway", "identity"];

describe("an installation from nothing", () => {
  beforeAll(async () => {
    await removeEverything();
    await helmInstall({ images: target.images });
  });

  test("has all services Ready as soon as `helm install --wait` returns", async () => {
    const services = await list("psvc", namespace);
    expect(services.map(({ metadata }) => metadata.name)).toEqual(platform);
    for (const service of services) {
      const { Ready, Stalled, Reconciling } = conditions(service);
      expect(Ready, service.metadata.name).toMatchObject({ status: "True", reason: "Ready" });
      expect(Stalled?.status ?? "False").toBe("False");
      expect(Reconciling?.status ?? "False").toBe("False");
      expect(service.status.observedGeneration).toBe(service.metadata.generation);
    }
  });

  test("has made the first administrator", async () => {
    const jobs = await list("jobs", namespace, "app.kubernetes.io/instance=plinth");
    expect(jobs.map((job) => conditions(job)["Complete"]?.status)).toEqual(["True"]);
  });

  test("runs nothing as root, and nothing that may write to its image", async () => {
    const pods = (await list("pods", namespace)).filter(({ status }) => status.phase === "Running");
    expect(pods.length).toBeGreaterThan(platform.length);
    for (const { metadata, spec } of pods) {
      expect(spec.securityContext, metadata.name).toMatchObject({ runAsNonRoot: true });
      for (const { securityContext } of spec.containers) {
        expect(securityContext, metadata.name).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
      }
    }
  });

  test("keeps every pod when it is installed once more", async () => {
    const before = await templates();
    const secrets = await contents();
    await helmInstall({ images: target.images });
    expect(await templates()).toEqual(before);
    expect(await contents(), "what was made once stays").toEqual(secrets);
  });

  test("passes `helm test`, which signs in through the gateway", async () => {
    const { code, stdout, stderr } = await helm("test", release.name, "-n", namespace, "--logs", "--timeout", "300s");
    expect(code, `${stdout}${stderr}`).toBe(0);
    expect(stdout).toContain("the audit log shows the new user");
  });

  test("has an operator that two instances could take over", async () => {
    await wait("deployment/plinth-operator", "condition=Available", namespace);
    const lease = await get("lease", "plinth-operator", namespace);
    expect(lease?.spec.holderIdentity).toMatch(/^plinth-operator-/);
  });
});

/** Of everything that runs, by name: changes when pods would be replaced. */
async function templates(): Promise<Record<string, unknown>> {
  const owners = [...(await list("deployments", namespace)), ...(await list("statefulsets", namespace))];
  return Object.fromEntries(owners.map(({ metadata, spec }) => [metadata.name, spec.template]));
}

async function contents(): Promise<Record<string, unknown>> {
  const secrets = await list("secrets", namespace, "app.kubernetes.io/instance=plinth");
  expect(secrets.map(({ metadata }) => metadata.name)).toEqual([
    "plinth-administrator",
    "plinth-audit",
    "plinth-auth",
    "plinth-postgres",
  ]);
  return Object.fromEntries(secrets.map(({ metadata, data }) => [metadata.name, data]));
}

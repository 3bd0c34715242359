import { beforeAll, describe, expect, inject, test } from "vitest";
import { ensurePlatform } from "../platform/ensure-platform.ts";
import { kubectlWith } from "../platform/kubectl.ts";
import { installModuleCrds } from "../platform/module-crds.ts";
import { chartFolder, helm, release } from "../platform/release.ts";

beforeAll(async () => {
  await ensurePlatform(inject("target"));
  // The kinds of the Prometheus operator, without the operator.
  await installModuleCrds(
    "github.com/prometheus-operator/prometheus-operator@v0.85.0",
    ["podmonitors", "servicemonitors", "prometheusrules"].map(
      (kind) => `example/prometheus-operator-crd/monitoring.coreos.com_${kind}.yaml`,
    ),
  );
});

/** The API server judges every object by its own schemas: strictly, so that an unknown field is an error. */
async function judged(...sets: string[]): Promise<string> {
  const flags = sets.flatMap((set) => ["--set", set]);
  // Where nothing of it is: what is there already would be compared as well.
  const namespace = "default";
  const rendered = await helm(
    "template",
    release.name,
    chartFolder,
    "-n",
    namespace,
    "--no-hooks",
    "--include-crds",
    ...flags,
  );
  expect(rendered.code, rendered.stderr).toBe(0);
  const { code, stdout, stderr } = await kubectlWith(rendered.stdout, [
    ...["apply", "--dry-run=server", "--validate=strict", "--server-side", "--force-conflicts", "-n", namespace],
  ]);
  expect(code, stderr).toBe(0);
  return stdout;
}

describe("the API server accepts every object of the chart", () => {
  test("as it is", async () => {
    expect(await judged("postgres.existingSecret=database")).toContain(
      "platformservice.plinth.dev/identity serverside-applied",
    );
  });

  test("with everything on", async () => {
    const said = await judged("postgres.bundled.enabled=true", "monitoring.enabled=true", "monitoring.dashboard=true");
    for (const kind of ["servicemonitor", "podmonitor", "prometheusrule"])
      expect(said).toContain(`${kind}.monitoring.coreos.com/`);
  });
});

describe("helm says what is missing", () => {
  const refused = async (...sets: string[]): Promise<string> => {
    const flags = sets.flatMap((set) => ["--set", set]);
    const { code, stderr } = await helm(
      "upgrade",
      release.name,
      chartFolder,
      "-n",
      release.namespace,
      "--dry-run=server",
      // Without it Helm takes the values of the last time when none are given.
      "--reset-values",
      ...flags,
    );
    expect(code).not.toBe(0);
    return stderr;
  };

  test("without PostgreSQL", async () => {
    expect(await refused()).toContain("postgres.existingSecret");
  });

  test("with a Secret that is not there", async () => {
    expect(await refused("postgres.existingSecret=nowhere")).toContain("create secret generic nowhere");
  });

  test("with two servers", async () => {
    expect(await refused("postgres.existingSecret=plinth-postgres", "postgres.bundled.enabled=true")).toContain(
      "exclude each other",
    );
  });
});

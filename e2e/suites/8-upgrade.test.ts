import { beforeAll, describe, expect, inject, test } from "vitest";
import { get, kubectl, list } from "../platform/kubectl.ts";
import { previousChart } from "../platform/previous-chart.ts";
import { helmInstall, release, removeEverything } from "../platform/release.ts";

const target = inject("target");
const { namespace } = release;

describe("an upgrade from the chart before this one", () => {
  beforeAll(async () => {
    await removeEverything();
    await helmInstall({ images: target.images, chart: await previousChart() });
    // Whatever that chart waited for.
    await kubectl("wait", "psvc", "--all", "-n", namespace, "--for=condition=Ready", "--timeout=180s");
  });

  test("upgrades the CRDs, and keeps pods and what was made once", async () => {
    const before = await state();
    // As if the chart before had another definition.
    await kubectl("annotate", "crd", "platformservices.plinth.dev", "example.com/kept=yes");
    await kubectl(
      "patch",
      "crd",
      "platformservices.plinth.dev",
      "--type=json",
      "-p",
      '[{"op":"replace","path":"/spec/names/categories","value":["all"]}]',
    );
    await helmInstall({ images: target.images });
    expect(await state()).toEqual(before);
    const crd = await get("crd", "platformservices.plinth.dev", namespace);
    expect(crd?.spec.names.categories).toEqual(["all", "plinth"]);
    expect(crd?.metadata.annotations?.["example.com/kept"]).toBe("yes");
  });
});

async function state(): Promise<unknown> {
  const secrets = await list("secrets", namespace, "app.kubernetes.io/instance=plinth");
  const services = await list("deployments", namespace, "plinth.dev/service");
  return {
    secrets: secrets.map(({ metadata, data }) => [metadata.name, data]),
    templates: services.map(({ metadata, spec }) => [metadata.name, spec.template]),
  };
}

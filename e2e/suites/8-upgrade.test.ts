import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { get, kubectl, list } from "../platform/kubectl.ts";
import { previousChart } from "../platform/previous-chart.ts";
import { helmInstall, release, removeEverything } from "../platform/release.ts";

const target = inject("target");
const { namespace } = release;
const categories = "categories:\n      - all\n      - plinth\n";

const categoriesNow = async (): Promise<unknown> =>
  (await get("crd", "platformservices.plinth.dev", namespace))?.spec.names.categories;

describe("an upgrade from the chart before this one", () => {
  beforeAll(async () => {
    await removeEverything();
    const chart = await previousChart();
    // With another definition than now, whether or not it had one.
    const file = path.join(chart, "crds/plinth.dev_platformservices.yaml");
    const text = await readFile(file, "utf8");
    expect(text).toContain(categories);
    await writeFile(file, text.replace(categories, "categories:\n      - all\n"));
    await helmInstall({ images: target.images, chart });
    // Whatever that chart waited for.
    await kubectl("wait", "psvc", "--all", "-n", namespace, "--for=condition=Ready", "--timeout=240s");
  });

  test("upgrades the CRDs, and keeps pods and what was made once", async () => {
    const before = await state();
    expect(await categoriesNow()).toEqual(["all"]);
    await helmInstall({ images: target.images });
    expect(await state()).toEqual(before);
    expect(await categoriesNow()).toEqual(["all", "plinth"]);
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

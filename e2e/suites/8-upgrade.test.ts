import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
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

  test("upgrades the CRDs, and keeps what was made once, and the pods of services that are asked for as before", async () => {
    const before = await state();
    expect(await categoriesNow()).toEqual(["all"]);
    await helmInstall({ images: target.images });
    const after = await state();
    expect(after.secrets).toEqual(before.secrets);
    expect([...after.services.keys()]).toEqual([...before.services.keys()]);
    for (const [name, { asked, template }] of before.services) {
      const now = after.services.get(name);
      if (isDeepStrictEqual(now?.asked, asked)) expect(now?.template, name).toEqual(template);
    }
    expect(await categoriesNow()).toEqual(["all", "plinth"]);
  });
});

async function state() {
  const secrets = await list("secrets", namespace, "app.kubernetes.io/instance=plinth");
  const asked = await list("platformservices.plinth.dev", namespace);
  const deployments = await list("deployments", namespace, "plinth.dev/service");
  const askedFor = (name: string) => asked.find(({ metadata }) => metadata.name === name)?.spec;
  return {
    secrets: secrets.map(({ metadata, data }) => [metadata.name, data]),
    services: new Map(
      deployments.map(({ metadata, spec }) => [
        metadata.name,
        { asked: askedFor(metadata.name), template: spec.template },
      ]),
    ),
  };
}

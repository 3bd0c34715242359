import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { describe, expect, test } from "vitest";
import { programs } from "../images/image-list.ts";
import { stageProgram } from "../images/stage-program.ts";
import { billOfMaterials } from "./bill-of-materials.ts";
import { licenceProblem } from "./licence-rules.ts";
import { licenceTexts } from "./licence-texts.ts";
import { readPackages, type ShippedPackage } from "./shipped-package.ts";

const one = (licence: string, more: Partial<ShippedPackage> = {}): ShippedPackage => ({
  name: "one",
  version: "1.0.0",
  licence,
  texts: ["the text"],
  sha512: undefined,
  ...more,
});

describe("what an image tells about the code of others in it", () => {
  test("the list follows CycloneDX's own schema, names native packages too, and every licence text is there", async () => {
    const identity = programs().find(({ name }) => name === "identity");
    if (!identity) throw new Error("no program identity");
    await using staging = await mkdtempDisposable(path.join(tmpdir(), "plinth-supply-"));
    const { folder, packages } = await stageProgram(identity, staging.path);
    const bom = await readFile(path.join(folder, "sbom.cdx.json"), "utf8");
    expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(bom)).toBeNull();

    const { components } = JSON.parse(bom) as { components: { purl: string; hashes?: { content: string }[] }[] };
    const purls = components.map(({ purl }) => purl.slice(0, purl.lastIndexOf("@")));
    expect(purls).toContain("pkg:npm/pg");
    expect(purls).toContain("pkg:npm/%40node-rs/argon2");
    expect(purls).toContain(
      `pkg:npm/%40node-rs/argon2-${process.platform}-${process.arch}${process.platform === "linux" ? "-gnu" : ""}`,
    );
    // Installed for tests, and in no image.
    expect(purls).not.toContain("pkg:npm/vitest");
    expect(components.filter(({ hashes }) => hashes?.[0]?.content.length !== 128)).toEqual([]);

    const texts = await readFile(path.join(folder, "LICENSES.txt"), "utf8");
    for (const { name, version, texts: own } of readPackages(packages)) {
      expect(texts).toContain(`${name} ${version} (`);
      for (const text of own) expect(texts).toContain(text);
    }
  });

  test("the same packages make the same list, and another version another", () => {
    const list = (version: string): string => billOfMaterials("plinth/x", [one("MIT", { version })]);
    expect(list("1.0.0")).toBe(list("1.0.0"));
    const serial = (text: string): string => (JSON.parse(text) as { serialNumber: string }).serialNumber;
    expect(serial(list("1.0.0"))).not.toBe(serial(list("1.0.1")));
  });

  test("equal texts come once, and a package without says so", () => {
    const text = licenceTexts([one("MIT"), one("MIT", { name: "two" }), one("MIT", { name: "three", texts: [] })]);
    expect(text.split("the text")).toHaveLength(2);
    expect(text).toContain("three 1.0.0 (MIT)");
    expect(text).toContain("no licence file");
  });
});

describe("licences", () => {
  test.each(["MIT", "(Apache-2.0 AND BSD-3-Clause)", "(GPL-2.0-only OR MIT)", "BSD-2-Clause OR GPL-3.0-only"])(
    "%s may be shipped",
    (licence) => expect(licenceProblem(one(licence))).toBeUndefined(),
  );

  test.each(["GPL-3.0-only", "(MIT AND LGPL-3.0-only)", "SEE LICENSE IN LICENSE.txt", ""])("%o may not", (licence) =>
    expect(licenceProblem(one(licence))).toMatch(/^one 1[.]0[.]0 /),
  );
});

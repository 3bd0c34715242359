import { globSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { programs } from "../images/image-list.ts";
import { root } from "../run.ts";
import { evaluate, starlarkProblem, type TiltCall } from "./evaluate.ts";

// The interpreter is built once, while other tests use the machine as well.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const problem = starlarkProblem();

describe.skipIf(problem !== undefined)(`Tiltfile${problem ? ` (left out: ${problem})` : ""}`, () => {
  let calls: TiltCall[];
  const of = (name: string) => calls.filter((call) => call.function === name).map((call) => call.arguments);
  const manifests = globSync("services/*/platformservice.yaml", { cwd: root }).sort();
  const specs = manifests.map((file) => parse(readFileSync(path.join(root, file), "utf8")));
  const names = specs.map(({ metadata }) => metadata.name as string);

  beforeAll(async () => {
    calls = await evaluate(path.join(root, "Tiltfile"));
  });

  test("builds an image of every program that the platform consists of, from folders that exist", () => {
    const installed = programs().filter(({ folder }) => !folder.startsWith(path.join(root, "examples")));
    expect(of("custom_build").map(({ ref }) => ref)).toEqual(installed.map(({ name }) => `plinth/${name}`).sort());
    for (const { command, deps } of of("custom_build") as { command: string; deps: string[] }[]) {
      expect(command).toContain("--tag $EXPECTED_REF dist/images");
      for (const dep of deps) expect(globSync(dep, { cwd: root }), dep).toHaveLength(1);
    }
  });

  test("hands Helm each image under the name of its program", () => {
    const [deploy] = of("k8s_custom_deploy") as { apply_cmd: string; image_deps: string[] }[];
    const overrides = [...(deploy?.apply_cmd.matchAll(/images[.]overrides[.]([a-z]+)=[$]TILT_IMAGE_(\d+)/g) ?? [])];
    expect(overrides.map(([, name, index]) => [name, deploy?.image_deps[Number(index)]])).toEqual(
      overrides.map(([, name]) => [name, `plinth/${name}`]),
    );
    expect(overrides).toHaveLength(of("custom_build").length);
  });

  test("shows every service after what it depends on, with links, and a button where there are migrations", () => {
    const shown = new Map(of("local_resource").map((resource) => [resource["name"], resource]));
    expect([...shown.keys()]).toEqual([...names, "edge"]);
    for (const { metadata, spec } of specs) {
      expect(shown.get(metadata.name)?.["resource_deps"]).toEqual(["plinth", ...(spec.dependsOn ?? [])]);
      const buttons = of("cmd_button").filter(({ resource }) => resource === metadata.name);
      expect(buttons.map(({ text }) => text)).toEqual(spec.database ? ["Run migrations"] : []);
    }
    expect(shown.get("audit")?.["links"]).toEqual([
      { kind: "link", url: "http://localhost:8080/audit/v1/", name: "/audit/v1/" },
    ]);
    expect(of("watch_file").map(({ file_path }) => file_path)).toEqual(manifests);
  });

  test("has a button for the end-to-end check, and a port that kind-config.yaml leads to", () => {
    const [check] = of("cmd_button").filter(({ location }) => location === "nav");
    expect(check).toMatchObject({ text: "End-to-end check", argv: expect.arrayContaining(["helm", "test", "plinth"]) });
    const kind = parse(readFileSync(path.join(root, "kind-config.yaml"), "utf8"));
    const [mapping] = kind.nodes[0].extraPortMappings;
    const [edge] = of("local_resource").filter(({ name }) => name === "edge");
    expect(edge?.["cmd"]).toContain(`"value": ${mapping.containerPort}`);
    expect(edge?.["links"]).toMatchObject([{ url: `http://localhost:${mapping.hostPort}` }]);
  });

  test.each([
    [
      "an argument that there is not",
      'local_resource("a", cmd = "x", image = "y")',
      "local_resource has no argument image",
    ],
    ["one of another type", 'custom_build("a", "x", deps = "src")', "custom_build: deps is a string, not list[str]"],
    ["one that is missing", 'custom_build("a", "x")', "custom_build needs deps"],
    ["a function that there is not", 'docker_bild("a", ".")', "undefined: docker_bild"],
  ])("the interpreter refuses %s", async (_, text, message) => {
    const folder = await mkdtemp(path.join(tmpdir(), "plinth-tilt-"));
    try {
      await writeFile(path.join(folder, "Tiltfile"), text);
      await expect(evaluate(path.join(folder, "Tiltfile"))).rejects.toThrow(message);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

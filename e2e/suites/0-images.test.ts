import path from "node:path";
import { describe, expect, test } from "vitest";
import { findEngine } from "../../tools/images/engine.ts";
import { programs } from "../../tools/images/image-list.ts";
import { stageProgram } from "../../tools/images/stage-program.ts";
import { run } from "../platform/program.ts";

const nodeImage = "localhost/plinth-node:26";

describe("images", () => {
  test("are the same when they are built again", async () => {
    const engine = await findEngine();
    const program = programs().find(({ name }) => name === "identity");
    expect(program).toBeDefined();
    const ids: (string | undefined)[] = [];
    for (const name of ["localhost/plinth-again:1", "localhost/plinth-again:2"]) {
      if (program) await stageProgram(program);
      ids.push(await engine?.build({ program: "identity", nodeImage, names: [name] }));
    }
    expect(ids[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(ids[1]).toBe(ids[0]);
  });

  test("run as nobody in particular, and hold no shell and no package manager", async () => {
    const env = { STORAGE_DRIVER: "overlay", BUILDAH_ISOLATION: "chroot" };
    const text = await run("buildah", ["inspect", "--type", "image", "localhost/plinth-again:1"], { env });
    const { OCIv1 } = JSON.parse(text) as { OCIv1: { config: { User: string; Entrypoint: string[] } } };
    expect(OCIv1.config).toMatchObject({ User: "65532:65532", Entrypoint: ["node", "/app/main.js"] });
    const container = (await run("buildah", ["from", "localhost/plinth-again:1"], { env })).trim();
    const mounted = (await run("buildah", ["mount", container], { env })).trim();
    const files = await run("find", [path.join(mounted, "usr/bin"), path.join(mounted, "app"), "-maxdepth", "1"]);
    await run("buildah", ["rm", container], { env });
    expect(files).toContain("/app/main.js");
    expect(files).toContain("/app/migrations");
    expect(files).not.toMatch(/\/(sh|bash|dash|apt|dpkg|npm)\n/);
  });
});

import { spawn } from "node:child_process";
import path from "node:path";
import { eventually } from "@plinth/testing";
import { beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";
import { root } from "../../tools/run.ts";
import { curl } from "../platform/calls.ts";
import { ensurePlatform } from "../platform/ensure-platform.ts";
import { list } from "../platform/kubectl.ts";
import { gatewayUrl } from "../platform/platform.ts";
import { attempt } from "../platform/program.ts";
import { release } from "../platform/release.ts";

const cli = path.join(root, "cli/src/main.ts");
const onCluster = ["--cluster", "-n", release.namespace];

beforeAll(() => ensurePlatform(inject("target")));

// What they say of a platform that is broken is tested against an API server alone (cli/test/kubernetes).
describe("plinth, for a platform that works", () => {
  // What the suites before have changed may still settle.
  test.each([["check", "--wait", "120s"], ["verify"]])("%s finds every promise kept", async (...command) => {
    const { code, stdout, stderr } = await attempt(process.execPath, [cli, ...command, ...onCluster, "-o", "json"]);
    expect(code, stderr || stdout).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
  });

  test("logs --follow shows what each pod says from now on, until it is interrupted", async () => {
    const child = spawn(process.execPath, [cli, "logs", "gateway", ...onCluster, "--follow", "--lines", "0"]);
    onTestFinished(() => void child.kill("SIGKILL"));
    const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
      child.once("exit", (code, signal) => resolve(code ?? signal)),
    );
    let shown = "";
    child.stdout.on("data", (chunk: Buffer) => {
      shown += chunk.toString();
    });
    const url = await gatewayUrl();
    const pods = await list("pods", release.namespace, "plinth.dev/service=gateway,plinth.dev/component=server");
    expect(pods.length).toBeGreaterThan(0);
    await eventually(async () => {
      await curl(`${url}/plinth.identity.v1.IdentityService/ListUsers`, {});
      for (const { metadata } of pods) expect(shown).toMatch(new RegExp(`${metadata.name} +\\|.*request`));
    }, 240_000);
    child.kill("SIGINT");
    expect(await ended).toBe("SIGINT");
  });
});

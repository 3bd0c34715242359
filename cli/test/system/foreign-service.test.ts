import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { eventually } from "@plinth/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Platform, startHookMs, startPlatform } from "./platform.ts";

/** For what happens by itself, while other tests use the machine as well. */
const boundMs = 60_000;
let folder: string;
let platform: Platform;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "plinth-foreign-"));
  await writeFile(
    path.join(folder, "platformservice.yaml"),
    `apiVersion: plinth.dev/v1alpha1
kind: PlatformService
metadata: { name: greeter }
spec:
  image: greeter:1
  health: { port: Service, readyPath: / }
  local: { command: [node, server.mjs] }
  route:
    rules:
      - { path: /greeter/, authentication: None }
`,
  );
  // Plain JavaScript that imports nothing of Plinth stands for any language.
  await writeFile(
    path.join(folder, "server.mjs"),
    `import { createServer } from "node:http";
createServer((_, response) => response.end("hello from elsewhere")).listen(Number(process.env.PLINTH_PORT), "127.0.0.1");
process.stdin.on("end", () => process.exit(0)).resume();
`,
  );
  platform = await startPlatform("--log-level", "warn", "--no-check", "-f", folder);
}, startHookMs);

afterAll(async () => {
  await platform.stop();
  await rm(folder, { recursive: true, force: true });
});

const greet = async (): Promise<string> => (await fetch(`${platform.gateway}/greeter/x`)).text();

test("a service in another language is found by the gateway, also after a crash", async () => {
  await eventually(async () => expect(await greet()).toBe("hello from elsewhere"), boundMs);
  const [before] = await platform.instances("greeter");
  process.kill(before?.pid ?? Number.NaN, "SIGKILL");
  await eventually(async () => expect((await platform.instances("greeter"))[0]?.restarts).toBe(1), boundMs);
  await eventually(async () => expect(await greet()).toBe("hello from elsewhere"), boundMs);
});

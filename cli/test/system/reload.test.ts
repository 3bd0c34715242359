import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { eventually } from "@plinth/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, type Platform, startHookMs, startPlatform } from "./platform.ts";

/** Bundles are built while other tests use the machine as well. */
const boundMs = 180_000;
let folder: string;
let platform: Platform;

beforeAll(async () => {
  // Below this package, so that node_modules is found from there.
  folder = await mkdtemp(path.join(import.meta.dirname, "tmp-reload-"));
  await cp(path.join(import.meta.dirname, "../fixtures/hello"), folder, { recursive: true });
  platform = await startPlatform("--log-level", "warn", "--no-check", "--watch", "-f", folder);
}, startHookMs);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await platform.stop();
});

const greet = async (): Promise<string> => {
  const { text } = await call<{ text: string }>(platform.gateway, "hello.v1.HelloService/SayHello", { name: "Ann" });
  return text;
};

/** Calls all the time, several at once; `stop` tells how many calls were made and which failed. */
function load(callers: number) {
  const failed: string[] = [];
  let made = 0;
  let stopped = false;
  const running = Array.from({ length: callers }, async () => {
    while (!stopped) {
      made++;
      await greet().catch((err: Error) => failed.push(`${err.message} ${(err.cause as Error | undefined)?.message}`));
    }
  });
  return {
    failed,
    made: () => made,
    async stop() {
      stopped = true;
      await Promise.all(running);
    },
  };
}

test("callers notice a saved file by other answers only", async () => {
  await eventually(async () => expect(await greet()).toBe("Hello Ann"), boundMs);
  const calls = load(8);
  await writeFile(path.join(folder, "src", "greeting.ts"), 'export const greeting: string = "Good day";\n');
  await eventually(async () => expect(await greet()).toBe("Good day Ann"), boundMs);
  // The new process answers a little before it is said.
  const said = /hello +\| reloaded in \d+[.]\d s: .*greeting[.]ts/;
  await eventually(() => expect(platform.output()).toMatch(said), boundMs);
  // Until the old one has gone, and some more.
  const before = calls.made();
  await eventually(() => expect(calls.made()).toBeGreaterThan(before + 200), boundMs);
  await calls.stop();
  expect(calls.failed).toEqual([]);
}, 600_000);

test("the edge is replaced under load as well", async () => {
  const [before] = await platform.instances("gateway");
  const calls = load(8);
  const restarted = await platform.run("restart", "gateway");
  expect(restarted).toBe(0);
  await eventually(() => expect(() => process.kill(before?.pid ?? 0, 0)).toThrow(), boundMs);
  const made = calls.made();
  await eventually(() => expect(calls.made()).toBeGreaterThan(made + 100), boundMs);
  await calls.stop();
  expect(calls.failed).toEqual([]);
  const [after] = await platform.instances("gateway");
  expect(after).toMatchObject({ port: before?.port, state: "ready" });
}, 600_000);

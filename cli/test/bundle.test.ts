import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, stat } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bundleService } from "../src/local/bundle.ts";
import { writeSources } from "./write-sources.ts";

const run = promisify(execFile);
let folder: string;

beforeEach(async () => {
  // Below this package, so that node_modules is found from there.
  folder = await mkdtemp(path.join(import.meta.dirname, "tmp-bundle-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(files: Record<string, string>): Promise<void> {
  await cp(path.join(import.meta.dirname, "fixtures", "script"), path.join(folder, "src"), { recursive: true });
  await writeSources(path.join(folder, "src"), files);
}

test("a service with CommonJS and native dependencies and a worker runs from its bundle", async () => {
  await write({
    "main.ts": `
      import { hash } from "@node-rs/argon2";
      import pg from "pg";
      import { Worker } from "node:worker_threads";
      const value: string = typeof pg.Client;
      const worker = new Worker(new URL("./double.worker.js", import.meta.url), { workerData: 21 });
      worker.once("message", async (doubled) => {
        console.log(value, doubled, (await hash("x")).slice(0, 9));
      });`,
    "double.worker.ts": `
      import { parentPort, workerData } from "node:worker_threads";
      parentPort?.postMessage((workerData as number) * 2);`,
  });
  const { stdout } = await run(process.execPath, [await bundleService(folder)]);
  expect(stdout).toBe("function 42 $argon2id\n");
});

test("mistakes in the source are told with their place", async () => {
  await write({ "main.ts": `import { nothing } from "./not-there.ts";\nconsole.log(nothing);` });
  await expect(bundleService(folder)).rejects.toThrow(/main[.]ts:1:24: Could not resolve "[.][/]not-there[.]ts"/);
});

test("a folder without an entry point is told how to say what to run", async () => {
  await expect(bundleService(folder)).rejects.toThrow(/spec[.]local[.]command/);
});

test("a bundle is kept while nothing changed, and made anew when a source did", async () => {
  await write({
    "main.ts": `import { answer } from "./answer.ts";\nconsole.log(answer);`,
    "answer.ts": "export const answer = 1;",
  });
  const bundle = await bundleService(folder);
  const madeAt = async () => (await stat(bundle)).mtimeMs;
  const first = await madeAt();
  await bundleService(folder);
  expect(await madeAt()).toBe(first);
  await write({ "answer.ts": "export const answer = 22;" });
  await bundleService(folder);
  expect((await run(process.execPath, [bundle])).stdout).toBe("22\n");
  expect(await madeAt()).not.toBe(first);
});

import { spawn } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { printTable } from "./table.ts";

const cli = path.resolve(import.meta.dirname, "../../cli");
const rounds = 20;
const saveTimeoutMs = 60_000;

/** From a saved source file to the first process that runs it and is ready, one service edited again and again. */
export async function benchReload(): Promise<void> {
  // Below the CLI, so that node_modules is found from there.
  const folder = await mkdtemp(path.join(cli, "test", "reload-"));
  const home = await mkdtemp(path.join(tmpdir(), "plinth-bench-reload-"));
  await cp(path.join(cli, "test/fixtures/hello"), folder, { recursive: true, filter: (file) => !/\/dist$/.test(file) });
  const args = ["up", "--no-core", "--watch", "--data", home, "--log-level", "warn", "-f", folder];
  const child = spawn(process.execPath, [path.join(cli, "src/main.ts"), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  let output = "";
  let heard = () => {};
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    heard();
  });
  const said = (what: RegExp, timeoutMs: number) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`never said ${what}:\n${output}`)), timeoutMs);
      heard = () => {
        if (!what.test(output)) return;
        clearTimeout(timer);
        output = "";
        resolve();
      };
      heard();
    });
  try {
    await said(/Ctrl-C stops everything/, 10 * saveTimeoutMs);
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const begin = performance.now();
      await writeFile(path.join(folder, "src/greeting.ts"), `export const greeting: string = "${round}";\n`);
      await said(/reloaded in/, saveTimeoutMs);
      times.push(performance.now() - begin);
    }
    const sorted = times.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
    printTable(`Hot reload: ${rounds} saves of one file, each waited for`, [
      { what: "save until ready", "p50 ms": at(0.5), "p95 ms": at(0.95), "max ms": at(1) },
    ]);
  } finally {
    child.kill("SIGTERM");
    await exited;
    for (const made of [folder, home]) await rm(made, { recursive: true, force: true });
  }
}

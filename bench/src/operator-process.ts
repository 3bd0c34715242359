import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { bundleService } from "@plinth/cli";
import { freePort } from "@plinth/local-servers";

const folder = path.resolve(import.meta.dirname, "../../operator");

export interface OperatorProcess {
  pid: number;
  adminPort: number;
  /** The most memory it ever had, in MiB (VmHWM). */
  rssMaxMiB(): number;
  /** Value of a metric without labels that has these words in its line; 0 before it exists. */
  metric(...words: string[]): Promise<number>;
  /** Resolves when a line of its log has these words. */
  logged(words: string): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** The operator as it is deployed: one bundled process, on one core when `core` is given. */
export async function startOperator(
  kubeconfig: string,
  env: Record<string, string>,
  core?: number,
): Promise<OperatorProcess> {
  const adminPort = await freePort();
  const command = [process.execPath, "--max-semi-space-size=4", await bundleService(folder)];
  const pinned = core === undefined ? command : ["taskset", "-c", String(core), ...command];
  const child: ChildProcess = spawn(pinned[0] as string, pinned.slice(1), {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH: process.env["PATH"],
      KUBECONFIG: kubeconfig,
      PLINTH_HOST: "127.0.0.1",
      PLINTH_ADMIN_PORT: String(adminPort),
      ...env,
    },
  });
  const exited = once(child, "exit");
  const killWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithUs);
  const lines: string[] = [];
  const waiting = new Map<string, () => void>();
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
    lines.push(line);
    for (const [words, resolve] of waiting) if (line.includes(words)) resolve();
  });
  return {
    pid: child.pid as number,
    adminPort,
    rssMaxMiB: () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? 0) / 1024,
    async metric(...words) {
      const text = await fetch(`http://127.0.0.1:${adminPort}/metrics`).then(
        (response) => response.text(),
        () => "",
      );
      const found = text
        .split("\n")
        .filter((line) => !line.startsWith("#") && words.every((word) => line.includes(word)));
      return found.reduce(
        (sum, line) =>
          sum +
          Number(
            line
              .slice(line.lastIndexOf("}") + 1)
              .trim()
              .split(" ")[0],
          ),
        0,
      );
    },
    logged(words) {
      if (lines.some((line) => line.includes(words))) return Promise.resolve();
      return new Promise((resolve) => waiting.set(words, resolve));
    },
    async kill(signal) {
      process.off("exit", killWithUs);
      child.kill(signal);
      await exited;
    },
  };
}

import { type ChildProcess, spawn } from "node:child_process";
import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { eventually, kafkaMissing } from "@plinth/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const main = path.resolve(import.meta.dirname, "../src/main.ts");
const script = path.join(import.meta.dirname, "fixtures", "script");

let home: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), "plinth-with-"));
});
afterEach(async () => {
  if (child && child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child?.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
  }
  await rm(home, { recursive: true, force: true });
});

function plinth(...args: string[]) {
  const started = spawn(process.execPath, [main, ...args, "--data", home], { stdio: ["ignore", "pipe", "pipe"] });
  child = started;
  let output = "";
  for (const stream of [started.stdout, started.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  return { child: started, output: () => output, code: new Promise((resolve) => started.once("close", resolve)) };
}

const canConnect = (address: string) =>
  new Promise<boolean>((resolve) => {
    const [host, port] = address.split(":");
    const socket = connect(Number(port), host, () => resolve(socket.destroy() !== undefined));
    socket.on("error", () => resolve(false));
  });

test("--with refuses what it does not know, and says what it knows", async () => {
  const asked = plinth("up", "--with", "rabbit");
  expect(await asked.code).toBe(2);
  expect(asked.output()).toMatch(/knows only .*kafka/);
});

const missing = await kafkaMissing({ own: true });
describe.skipIf(missing)(`with Kafka${missing ? ` (${missing})` : ""}`, { timeout: 600_000 }, () => {
  const ready = async (run: ReturnType<typeof plinth>) => {
    await eventually(() => {
      if (run.child.exitCode !== null) throw new Error(`ended early:\n${run.output()}`);
      expect(run.output()).toContain("Ctrl-C stops everything.");
    }, 120_000);
    return /^ {2}kafka +(127\.0\.0\.1:\d+)$/m.exec(run.output())?.[1] ?? "";
  };

  test("it runs beside the services, comes back when it is killed, and stops after them", async () => {
    const run = plinth("up", "--no-core", "-f", script, "--with", "kafka");
    const address = await ready(run);
    expect(await canConnect(address)).toBe(true);

    process.kill(Number(await readFile(path.join(home, "kafka", "pid"), "utf8")), "SIGKILL");
    await eventually(() => expect(run.output()).toContain("kafka runs again"), 120_000);
    expect(await canConnect(address)).toBe(true);

    run.child.kill("SIGINT");
    expect(await run.code).toBe(0);
    expect(await canConnect(address)).toBe(false);
    await access(path.join(home, "kafka", "data", "meta.properties"));

    await ready(plinth("up", "--no-core", "-f", script, "--reset"));
    await expect(access(path.join(home, "kafka"))).rejects.toThrow("ENOENT");
  });
});

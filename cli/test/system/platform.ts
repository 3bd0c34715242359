import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { eventually } from "@plinth/testing";
import { type RunningInstance, runningInstances, runningPlatform } from "../running-platform.ts";

const main = path.resolve(import.meta.dirname, "../../src/main.ts");

/** A platform that runs as a user would run it: by the command line, in processes of its own. */
export interface Platform {
  gateway: string;
  /** Its data folder. */
  home: string;
  admin: { email: string; password: string };
  /** Everything it has printed so far. */
  output(): string;
  instances(service: string): Promise<RunningInstance[]>;
  /** Runs another command on the same data and returns its exit code. */
  run(...args: string[]): Promise<number | null>;
  stop(): Promise<number | null>;
}

/** Bundles are built at the first start from a clone, while other tests use the machine as well. */
const startBoundMs = 300_000;
/** Services and PostgreSQL have 30 s each to stop. */
const stopBoundMs = 120_000;
/** For the hook that starts a platform. */
export const startHookMs = startBoundMs + 90_000;

export async function startPlatform(...args: string[]): Promise<Platform> {
  const home = await mkdtemp(path.join(tmpdir(), "plinth-system-"));
  const child = spawn(process.execPath, [main, "up", "--data", home, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const stop = async (): Promise<number | null> => {
    const code = await stopProcess(child);
    await rm(home, { recursive: true, force: true });
    return code;
  };
  await eventually(() => {
    if (hasEnded(child)) throw new Error(`the platform ended early:\n${output}`);
    if (!output.includes("Ctrl-C stops everything."))
      throw new Error(`the platform is not ready:\n${output.slice(-4_000)}`);
  }, startBoundMs).catch(async (err: unknown) => {
    await stop();
    throw err;
  });
  const { gatewayUrl = "" } = await runningPlatform(home);
  const platform: Platform = {
    gateway: gatewayUrl,
    home,
    admin: await readAdmin(home),
    output: () => output,
    instances: (service) => runningInstances(home, service),
    run: (...args) => closed(spawn(process.execPath, [main, ...args, "--data", home], { stdio: "ignore" })),
    stop,
  };
  // Services that have just become ready may still look for each other, and without its check nobody has tried yet.
  if (args.includes("--no-check"))
    await eventually(() => signIn(platform), 60_000).catch(async (err: unknown) => {
      await stop();
      throw err;
    });
  return platform;
}

const closed = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once("close", (code) => resolve(code)));

async function readAdmin(home: string): Promise<Platform["admin"]> {
  const { email, password } = JSON.parse(await readFile(path.join(home, "admin.json"), "utf8"));
  return { email, password };
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

/** SIGTERM, and SIGKILL where a platform has not stopped by then; null is its exit code in that case. */
export function stopProcess(child: ChildProcess): Promise<number | null> {
  if (hasEnded(child)) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), stopBoundMs);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve(code);
    });
    child.kill("SIGTERM");
  });
}

/** Calls one RPC as curl would: JSON over HTTP/1.1. Throws with status and body unless it succeeds. */
export async function call<T>(base: string, rpc: string, request: object, token?: string, more = {}): Promise<T> {
  const response = await fetch(`${base}/${rpc}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}), ...more },
    body: JSON.stringify(request),
  });
  const body = await response.text();
  if (!response.ok) throw Object.assign(new Error(`${rpc}: ${response.status} ${body}`), { status: response.status });
  return JSON.parse(body) as T;
}

export async function signIn({ gateway, admin }: Platform): Promise<string> {
  return (await call<{ accessToken: string }>(gateway, "plinth.auth.v1.AuthService/Login", admin)).accessToken;
}

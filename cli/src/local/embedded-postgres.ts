import { type ChildProcess, execFile, spawn } from "node:child_process";
import { open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { lastLines } from "@plinth/local-servers";
import pg from "pg";
import { pickPort } from "./ports.ts";
import { hydrate, postgresFolder, postgresVersion } from "./postgres-binaries.ts";
import { isServing, stopStaleServer } from "./stale-server.ts";
import { asUnprivileged, chooseUnprivileged, giveAway, makeReachable, type Unprivileged } from "./unprivileged.ts";

const run = promisify(execFile);

// Recovery after a crash replays the log, hence more than a start needs.
const startTimeoutMs = 60_000;
const stopTimeoutMs = 30_000;
const portAttemptsMax = 5;
const logLinesShown = 8;
const logMaxBytes = 20 * 1024 * 1024;

export interface EmbeddedPostgres {
  port: number;
  pid: number;
  /** URL of the superuser for the given database. */
  url(database: string): string;
  /** Resolves when the server ends, with the reason. */
  exited: Promise<string>;
  /** Fast shutdown: ends sessions, writes a checkpoint. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** Empty at the first start. */
  dataDirectory: string;
  logFile: string;
  superuserPassword: string;
  preferredPort: number;
  /** Default: whatever works on this machine. */
  unprivileged?: Unprivileged;
}

/** Starts a real PostgreSQL from npm on loopback, making its data directory at the first start. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const way = options.unprivileged ?? chooseUnprivileged();
  const folder = postgresFolder();
  await hydrate(folder);
  const { binaries, data } = await makeReachable(way, { binaries: folder, data: options.dataDirectory });
  await stopStaleServer(data);
  const existing = await dataVersion(data);
  if (existing === undefined) await initialise(way, binaries, data, options.superuserPassword);
  else await refuseOtherVersion(existing, binaries, data);

  for (let attempt = 1; ; attempt++) {
    const logged = await sizeOf(options.logFile);
    try {
      return await startServer({ way, binaries, data, port: (await pickPort(options.preferredPort)).port, options });
    } catch (err) {
      // Two platforms that start together find the same port free; one of them gets it.
      if (attempt === portAttemptsMax || !(await saysPortTaken(options.logFile, logged))) throw err;
    }
  }
}

interface ServerStart {
  way: Unprivileged;
  binaries: string;
  data: string;
  port: number;
  options: EmbeddedPostgresOptions;
}

async function startServer({ way, binaries, data, port, options }: ServerStart): Promise<EmbeddedPostgres> {
  const child = await spawnServer(way, binaries, data, port, options.logFile);
  const exited = new Promise<string>((resolve) => {
    child.once("error", (err) => resolve(err.message));
    child.once("exit", (code, signal) => resolve(signal ? `ended by ${signal}` : `exit code ${code}`));
  });
  const url = (database: string) => `postgres://postgres:${options.superuserPassword}@127.0.0.1:${port}/${database}`;
  try {
    await untilAnswering(url("postgres"), child, { data, logFile: options.logFile });
  } catch (err) {
    await stop(child, exited);
    throw err;
  }
  return { port, pid: child.pid ?? 0, url, exited, stop: () => stop(child, exited) };
}

async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch(() => undefined);
  return found?.size ?? 0;
}

/** Looks only at what was logged after the first `from` bytes. */
async function saysPortTaken(logFile: string, from: number): Promise<boolean> {
  const log = await readFile(logFile).catch(() => Buffer.alloc(0));
  return log.subarray(from).includes("could not create any TCP/IP sockets");
}

async function dataVersion(data: string): Promise<string | undefined> {
  const text = await readFile(path.join(data, "PG_VERSION"), "utf8").catch(() => undefined);
  return text?.trim();
}

async function refuseOtherVersion(existing: string, binaries: string, data: string): Promise<void> {
  const current = await postgresVersion(binaries);
  if (current.split(".")[0] === existing) return;
  throw new Error(
    `${data} was made by PostgreSQL ${existing}, this is ${current}: dump it with the old release and load it into the new one, or start anew with --reset`,
  );
}

/** Made under another name and then renamed: an initdb that was killed half-way leaves nothing that looks like data. */
async function initialise(way: Unprivileged, binaries: string, data: string, password: string): Promise<void> {
  const partial = `${data}.new`;
  const passwordFile = `${data}.password`;
  await rm(partial, { recursive: true, force: true });
  await makeReachable(way, { binaries, data: partial });
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  await giveAway(way, passwordFile);
  const [command, args] = asUnprivileged(way, path.join(binaries, "bin", "initdb"), [
    ...["-D", partial, "-U", "postgres", "-E", "UTF8", "--auth=scram-sha-256", `--pwfile=${passwordFile}`],
    // The builtin provider sorts the same on every machine, whatever its C library.
    ...["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
  ]);
  try {
    await run(command, args, { timeout: startTimeoutMs });
  } catch (err) {
    const output = (err as { stderr?: string }).stderr ?? "";
    const why = output.trim() || (err as Error).message;
    throw new Error(`initdb failed: ${why}${whatToDo(why)}`, { cause: err });
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(partial, data);
}

async function spawnServer(
  way: Unprivileged,
  binaries: string,
  data: string,
  port: number,
  logFile: string,
): Promise<ChildProcess> {
  if ((await sizeOf(logFile)) > logMaxBytes) await rename(logFile, `${logFile}.1`);
  const log = await open(logFile, "a", 0o600);
  const settings = {
    listen_addresses: "127.0.0.1",
    // TCP with passwords only: a socket file would need a short path and a folder of its own.
    unix_socket_directories: "",
    max_connections: 300,
    timezone: "UTC",
    log_timezone: "UTC",
    log_line_prefix: "%m [%p] %q%u@%d ",
  };
  const [command, args] = asUnprivileged(way, path.join(binaries, "bin", "postgres"), [
    ...["-D", data, "-p", String(port)],
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ]);
  try {
    // A group of its own: Ctrl-C in the terminal must not reach it before the services have stopped.
    return spawn(command, args, { stdio: ["ignore", log.fd, log.fd], detached: true });
  } finally {
    await log.close();
  }
}

async function untilAnswering(
  url: string,
  child: ChildProcess,
  { data, logFile }: { data: string; logFile: string },
): Promise<void> {
  const deadline = performance.now() + startTimeoutMs;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) {
      const log = await lastLines(logFile, logLinesShown);
      throw new Error(`PostgreSQL did not start; the end of ${logFile}:\n${log}${whatToDo(log)}`);
    }
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
    client.on("error", () => {});
    try {
      await client.connect();
      await client.end();
      return;
    } catch (err) {
      // Until ours listens, it may be somebody else's on the port: then ours ends by itself and gets another one.
      if ((err as { code?: string }).code === "28P01" && (await isServing(data, child.pid))) {
        throw new Error(
          "PostgreSQL refuses the password in secrets.json: restore that file, or start anew with --reset",
        );
      }
      if (performance.now() > deadline) {
        throw new Error(`PostgreSQL did not answer within ${startTimeoutMs / 1000} s; see ${logFile}`, { cause: err });
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

/** What a person can do about what PostgreSQL said; empty when that says it itself. */
const whatToDo = (said: string): string =>
  said.includes("No space left on device")
    ? "\nthe disk is full: free at least 1 GiB, or choose a folder on another disk with --data"
    : "";

async function stop(child: ChildProcess, exited: Promise<string>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGINT");
  const timer = setTimeout(() => child.kill("SIGQUIT"), stopTimeoutMs);
  await exited;
  clearTimeout(timer);
}

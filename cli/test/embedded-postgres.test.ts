import { spawn } from "node:child_process";
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../src/local/embedded-postgres.ts";
import { serverPid } from "../src/local/stale-server.ts";

let folder: string;
const running: EmbeddedPostgres[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "plinth-embedded-"));
});

afterEach(async () => {
  for (const postgres of running.splice(0)) await postgres.stop();
  await rm(folder, { recursive: true, force: true });
});

interface StartOptions {
  preferredPort?: number;
  password?: string;
  /** Tells the data of several servers apart. */
  name?: string;
}

async function start(options: StartOptions = {}): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({
    dataDirectory: path.join(folder, options.name ?? "data"),
    logFile: path.join(folder, `${options.name ?? "postgres"}.log`),
    superuserPassword: options.password ?? "first-password",
    preferredPort: options.preferredPort ?? 54_400,
  });
  running.push(postgres);
  return postgres;
}

async function query(postgres: EmbeddedPostgres, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: postgres.url("postgres") });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test("data survives an orderly restart, and a wrong password is refused with what to do", async () => {
  const first = await start();
  await query(first, "CREATE TABLE kept AS SELECT 42 AS answer");
  await first.stop();
  expect(await serverPid(path.join(folder, "data"))).toBeUndefined();
  const second = await start();
  expect(await query(second, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
  await second.stop();
  await expect(start({ password: "another" })).rejects.toThrow(/secrets[.]json/);
});

test("a committed row survives a kill of the whole server", async () => {
  const first = await start();
  await query(first, "CREATE TABLE kept (id int)");
  await query(first, "INSERT INTO kept VALUES (1)");
  process.kill(first.pid, "SIGKILL");
  expect(await first.exited).toBe("ended by SIGKILL");
  const second = await start();
  expect(await query(second, "SELECT id FROM kept")).toEqual([{ id: 1 }]);
});

test("a server that an earlier run left behind is stopped first", async () => {
  const left = await start();
  await query(left, "CREATE TABLE kept (id int)");
  const next = await start();
  await left.exited;
  expect(next.pid).not.toBe(left.pid);
  expect(await query(next, "SELECT count(*)::int AS n FROM kept")).toEqual([{ n: 0 }]);
});

test("a pid file that names some other living process does not harm it", async () => {
  const first = await start();
  await first.stop();
  const other = spawn("sleep", ["60"]);
  await writeFile(path.join(folder, "data", "postmaster.pid"), `${other.pid}\n${path.join(folder, "data")}\n`);
  await start();
  expect(other.kill("SIGTERM")).toBe(true);
});

test("a taken port is avoided", async () => {
  const first = await start({ preferredPort: 54_420 });
  const second = await start({ preferredPort: first.port, name: "other" });
  expect(second.port).not.toBe(first.port);
});

test("servers that start together and find the same port free get one each", async () => {
  const names = ["one", "two", "three"];
  const servers = await Promise.all(
    names.map((name) => start({ preferredPort: 54_440, name, password: `password-${name}` })),
  );
  expect(new Set(servers.map(({ port }) => port)).size).toBe(3);
  for (const server of servers) expect(await query(server, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
});

test("data of another major version is refused with what to do", async () => {
  const first = await start();
  await first.stop();
  await writeFile(path.join(folder, "data", "PG_VERSION"), "15\n");
  await expect(start()).rejects.toThrow(/PostgreSQL 15, this is 18/);
});

test.runIf(process.getuid?.() === 0)(
  "as root without user namespaces it runs as nobody, its data reachable",
  async () => {
    // mkdtemp makes the folder 0700, which uid 65534 may not enter: data moves to /var/lib/plinth and is linked.
    const postgres = await startEmbeddedPostgres({
      dataDirectory: path.join(folder, "data"),
      logFile: path.join(folder, "postgres.log"),
      superuserPassword: "x",
      preferredPort: 54_400,
      unprivileged: "setpriv",
    });
    running.push(postgres);
    expect(await query(postgres, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    const moved = await realpath(path.join(folder, "data"));
    expect(moved).toMatch(/^[/]var[/]lib[/]plinth[/]data-/);
    await postgres.stop();
    await rm(moved, { recursive: true });
  },
);

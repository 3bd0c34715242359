import { type ChildProcess, execFile, spawn } from "node:child_process";
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { eventually } from "@plinth/testing";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { gatewayCall } from "../../src/verify/gateway-client.ts";
import { type Platform, startHookMs, startPlatform, stopProcess } from "./platform.ts";

const run = promisify(execFile);
const main = path.resolve(import.meta.dirname, "../../src/main.ts");
const identity = "plinth.identity.v1.IdentityService";
const auth = "plinth.auth.v1.AuthService";

// The machine may be busy with other platforms.
vi.setConfig({ testTimeout: 600_000 });

let platform: Platform;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "plinth-operations-"));
  platform = await startPlatform();
}, startHookMs);

afterAll(async () => {
  await platform?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Only a command that hangs is ended by this, and then the test says which. */
const commandMs = 240_000;

async function plinth(...args: string[]): Promise<{ stdout: string }> {
  const bounds = { maxBuffer: 64 * 1024 * 1024, timeout: commandMs, killSignal: "SIGKILL" } as const;
  try {
    return await run(process.execPath, [main, ...args], bounds);
  } catch (err) {
    const { killed, stdout, stderr } = err as { killed: boolean; stdout: string; stderr: string };
    if (!killed) throw err;
    throw new Error(`plinth ${args.join(" ")} did not end within ${commandMs / 1000} s: ${stderr}\n${stdout}`);
  }
}

async function adminToken(gateway: string, admin: Platform["admin"]): Promise<string> {
  return String((await gatewayCall(gateway)(`${auth}/Login`, admin)).body["accessToken"]);
}

/** An account; resolves when the platform has acknowledged it. */
async function createUser(gateway: string, token: string, name: string): Promise<{ email: string; password: string }> {
  const account = { email: `${name}@example.com`, password: `a long password of ${name}` };
  const { code } = await gatewayCall(gateway)(`${identity}/CreateUser`, { ...account, displayName: name }, token);
  expect(code).toBeUndefined();
  return account;
}

test("check finds nothing wrong with a platform that works, by text and by JSON", async () => {
  const { stdout } = await plinth("check", "--data", platform.home, "--wait", "120s");
  expect(stdout).toContain("√ signing keys: key ");
  expect(stdout).toContain("√ log: what happens is in the log at once");
  expect(stdout).toContain(`the platform on ${platform.home} works`);
  const { ok, checks } = JSON.parse(
    (await plinth("check", "--data", platform.home, "--wait", "120s", "-o", "json")).stdout,
  );
  expect(ok).toBe(true);
  expect(checks.filter(({ status }: { status: string }) => status !== "ok")).toEqual([]);
});

test("verify tries a platform at a URL with an account, and leaves neither user nor session", async () => {
  const { email, password } = platform.admin;
  const env = { ...process.env, PLINTH_ADMIN_PASSWORD: password };
  const args = [main, "verify", "--url", platform.gateway, "--email", email, "-o", "json"];
  const { stdout } = await run(process.execPath, args, { env });
  const { ok, steps } = JSON.parse(stdout);
  expect(ok).toBe(true);
  expect(steps.map(({ name }: { name: string }) => name)).toEqual(
    expect.arrayContaining(["the administrator creates a user", "the user is deleted", "the administrator signs out"]),
  );
  const call = gatewayCall(platform.gateway);
  const token = await adminToken(platform.gateway, platform.admin);
  const users = JSON.stringify((await call(`${identity}/ListUsers`, { pageSize: 100 }, token)).body);
  expect(users).toContain(email);
  expect(users).not.toContain("check-");
  const sessions = JSON.stringify((await call(`${auth}/ListSessions`, {}, token)).body);
  expect(sessions).not.toContain("plinth verify");

  const wrong = run(process.execPath, args, { env: { ...process.env, PLINTH_ADMIN_PASSWORD: "not it" } });
  await expect(wrong).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining('"ok": false') });
});

test("sysdump has logs, status, metrics and manifests, and none of the platform's secrets", async () => {
  const secrets = JSON.parse(await readFile(path.join(platform.home, "secrets.json"), "utf8"));
  const token = await adminToken(platform.gateway, platform.admin);
  const values: string[] = [
    ...[platform.admin.password, secrets.postgresPassword, secrets.workloadKey.d],
    ...Object.values<string>(secrets.databasePasswords),
    ...Object.values<Record<string, string>>(secrets.secrets).flatMap((entries) => Object.values(entries)),
  ];
  // Planted where a careless service would write them.
  const careless = [...values, token].map((value) => JSON.stringify({ level: "info", msg: `using ${value}`, value }));
  await appendFile(path.join(platform.home, "logs", "auth.log"), `${careless.join("\n")}\npassword=hunter2222\n`);
  const file = path.join(folder, "dump.tar.gz");
  const { stdout } = await plinth("sysdump", "--data", platform.home, "-o", file);
  expect(stdout).toContain(`wrote ${file}`);
  expect(stdout).toMatch(/ {2}logs\/, \d+ files, \d+ KiB/);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const names = (await run("tar", ["-tzf", file])).stdout.split("\n");
  for (const name of [
    "status.yaml",
    "checks.yaml",
    "settings.yaml",
    "logs/auth.log",
    "metrics/gateway.txt",
    "manifests/auth.yaml",
  ])
    expect(names).toContain(name);
  const all = (await run("tar", ["-xzOf", file], { maxBuffer: 64 * 1024 * 1024 })).stdout;
  expect(values.length).toBeGreaterThan(10);
  for (const value of [...values, token, "hunter2222"]) expect(all).not.toContain(value);
  expect(all).toContain("using REDACTED");
});

test("a backup made while people write comes up elsewhere, with its users and an audit log that the old keys verify", async () => {
  const keys = path.join(folder, "keys.txt");
  await writeFile(keys, (await plinth("audit", "keys", "--data", platform.home)).stdout);
  const checkpoint = path.join(folder, "checkpoint");
  await plinth("audit", "verify", "--key", keys, "--save", checkpoint, "--data", platform.home);
  const token = await adminToken(platform.gateway, platform.admin);
  const before = await createUser(platform.gateway, token, "before");

  const file = path.join(folder, "backup.tar.gz");
  const done = plinth("backup", file, "--data", platform.home);
  let written = 0;
  let over = false;
  done.finally(() => (over = true)).catch(() => {});
  while (!over) await createUser(platform.gateway, token, `during-${written++}`);
  const { stdout } = await done;
  expect(written).toBeGreaterThan(1);
  expect(stdout).toContain("only you can read it (mode 0600)");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await expect(plinth("backup", file, "--data", platform.home)).rejects.toMatchObject({
    stderr: expect.stringContaining("exists: name another file"),
  });
  await expect(plinth("restore", file, "--data", platform.home)).rejects.toMatchObject({
    stderr: expect.stringContaining("a platform runs on"),
  });

  const home = path.join(folder, "restored");
  await plinth("restore", file, "--data", home);
  for (const name of ["secrets.json", "admin.json"])
    expect((await stat(path.join(home, name))).mode & 0o777).toBe(0o600);
  await expect(plinth("restore", file, "--data", home)).rejects.toMatchObject({
    stderr: expect.stringContaining("exists: name an empty folder"),
  });
  await plinth("up", "--verify", "--data", home);

  const restored = await startOn(home);
  try {
    const { gatewayUrl } = JSON.parse((await plinth("status", "-o", "json", "--data", home)).stdout);
    const signedIn = await gatewayCall(gatewayUrl)(`${auth}/Login`, before);
    expect(signedIn.body["accessToken"]).toEqual(expect.any(String));
    await plinth("audit", "verify", "--key", keys, "--since", checkpoint, "--data", home);
  } finally {
    await stopProcess(restored.child);
  }
  expect(restored.output()).toMatch(/plinth +\| stopped\n$/);
});

test("a backup that was cut short, or is something else, is refused, and leaves nothing", async () => {
  const whole = await readFile(path.join(folder, "backup.tar.gz"));
  const cut = path.join(folder, "cut.tar.gz");
  await writeFile(cut, whole.subarray(0, whole.length / 2));
  const home = path.join(folder, "never");
  await expect(plinth("restore", cut, "--data", home)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("cannot be restored"),
  });
  await expect(plinth("restore", path.join(folder, "dump.tar.gz"), "--data", home)).rejects.toMatchObject({
    stderr: expect.stringContaining("it is no backup of Plinth"),
  });
  for (const name of ["data/postgres", "secrets.json", "admin.json", "restore.partial"])
    await expect(stat(path.join(home, name))).rejects.toThrow("ENOENT");
});

async function startOn(home: string): Promise<{ child: ChildProcess; output: () => string }> {
  const child = spawn(process.execPath, [main, "up", "--no-check", "--data", home], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  try {
    await eventually(() => expect(output).toContain("Ctrl-C stops everything."), commandMs);
    return { child, output: () => output };
  } catch (err) {
    await stopProcess(child);
    throw err;
  }
}

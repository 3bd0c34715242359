import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { eventually } from "@plinth/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { type CheckResult, runChecks } from "../src/checks/check.ts";
import { localChecks } from "../src/checks/local/local-checks.ts";
import { type LocalContext, openLocalContext } from "../src/checks/local/local-context.ts";
import { doctor } from "../src/commands/doctor.ts";
import { validate } from "../src/commands/validate.ts";
import { captured } from "./captured.ts";

// What can be broken on Kubernetes is in kubernetes/check.test.ts: permissions, clock, key, image among it.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 300_000 });

const main = path.resolve(import.meta.dirname, "../src/main.ts");
const fixtures = path.join(import.meta.dirname, "fixtures");

const mountLine =
  process.getuid?.() === 0 ? ["unshare", "--mount"] : ["unshare", "--user", "--map-root-user", "--mount"];
const mountRefused =
  spawnSync("sh", ["-c", `${mountLine.join(" ")} mount -t tmpfs tmpfs /mnt`], { stdio: "ignore" }).status === 0
    ? undefined
    : "nobody may mount a small disk here";

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-broken-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe("plinth doctor names cause and fix of", () => {
  test("a port that is taken, with who has it", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const { terminal, text } = captured();
    expect(await doctor({ data: await temporaryFolder(), port, output: "json" }, terminal)).toBe(0);
    const found = JSON.parse(text()).checks.find(({ name }: CheckResult) => name === "ports") as CheckResult;
    expect(found.status).toBe("warning");
    expect(found.message).toContain(`port ${port} is taken`);
    expect(found.hint).toContain("the next free ports are used");
    const linux = process.platform === "linux";
    expect(found.message.includes(`(process ${process.pid})`)).toBe(linux);
  });

  test("a data folder that others can look into", async () => {
    const data = await temporaryFolder();
    await chmod(data, 0o755);
    const { terminal, text } = captured();
    await doctor({ data, port: 1, output: "text" }, terminal);
    expect(text()).toContain(
      `‼ data folder: others can look into ${data}, which holds passwords\n    chmod 700 ${data}`,
    );
  });

  test.skipIf(mountRefused)(
    `a disk that is full, as up does${mountRefused ? ` (skipped: ${mountRefused})` : ""}`,
    async () => {
      const folder = await temporaryFolder();
      const command = (...args: string[]): string =>
        [process.execPath, main, ...args, "--data", `${folder}/home`].join(" ");
      const script = [
        `mount -t tmpfs -o size=8m tmpfs ${folder}`,
        command("doctor"),
        command("up", "--no-core", "--verify", "-f", path.join(fixtures, "script")),
      ].join("; ");
      const [program = "", ...args] = [...mountLine, "sh", "-c", script];
      const { stdout, status } = spawnSync(program, args, { encoding: "utf8", timeout: 240_000 });
      expect(status).toBe(1);
      expect(stdout).toContain("× disk: the disk is full: 0.0 GiB free");
      expect(stdout).toContain("free at least 1 GiB, or choose a folder on another disk with --data\n    see docs");
      expect(stdout).toMatch(
        /initdb failed: [\s\S]*No space left on device[\s\S]*\nthe disk is full: free at least 1 GiB/,
      );
    },
  );
});

test("a bad manifest is told with its place and what was meant", async () => {
  const file = path.join(await temporaryFolder(), "platformservice.yaml");
  await writeFile(
    file,
    "apiVersion: plinth.dev/v1alpha1\nkind: PlatformService\nmetadata: {name: notes}\nspec: {imag: x}\n",
  );
  const { terminal, text } = captured();
  expect(await validate({ file: [file] }, terminal)).toBe(1);
  expect(text()).toMatch(/platformservice[.]yaml:4:\d+: spec.*did you mean image/);
});

describe("plinth check names cause and fix of", () => {
  let home: string;
  let counter: string;
  let platform: ChildProcess;
  let context: LocalContext;

  beforeAll(async () => {
    home = await mkdtemp(path.join(tmpdir(), "plinth-broken-"));
    counter = path.join(home, "counter");
    // Nothing to build: the fixture that is a script, with a schema.
    await cp(path.join(fixtures, "script"), counter, { recursive: true });
    await cp(path.join(fixtures, "counter", "migrations"), path.join(counter, "migrations"), { recursive: true });
    const manifest = await readFile(path.join(counter, "platformservice.yaml"), "utf8");
    const database = "  database: { schema: counter, migrations: { path: /app/migrations } }\n";
    await writeFile(
      path.join(counter, "platformservice.yaml"),
      manifest.replace("name: script", "name: counter") + database,
    );
    const args = ["up", "--no-core", "--data", home, "-f", counter];
    platform = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    platform.stdout?.setEncoding("utf8").on("data", (text: string) => (output += text));
    const ended = new Promise<never>((_, reject) => {
      platform.once("exit", () => reject(new Error(`ended early:\n${output}`)));
    });
    ended.catch(() => {});
    await Promise.race([ended, eventually(() => expect(output).toContain("Ctrl-C stops everything."), 120_000)]);
    context = openLocalContext(home, systemClock);
  });

  afterAll(async () => {
    if (platform?.exitCode === null) {
      platform.kill("SIGTERM");
      await new Promise((resolve) => platform.once("exit", resolve));
    }
    await rm(home, { recursive: true, force: true });
  });

  async function trouble(name: string, changed: Partial<LocalContext> = {}): Promise<CheckResult> {
    const results = await runChecks(localChecks, { ...context, ...changed }, { clock: systemClock });
    const found = results.filter((result) => result.name === name && result.hint !== "");
    expect(found).toHaveLength(1);
    return found[0] as CheckResult;
  }

  test("nothing, when nothing is wrong", async () => {
    const results = await runChecks(localChecks, context, { clock: systemClock });
    expect(results.filter(({ hint }) => hint !== "")).toEqual([]);
    expect(results.find(({ name }) => name === "gateway")?.status).toBe("skipped");
  });

  test("a schema that is older than the files", async () => {
    const file = path.join(counter, "migrations", "0002_more.sql");
    await writeFile(file, "CREATE TABLE more (id int);");
    onTestFinished(() => rm(file));
    expect(await trouble("migrations")).toMatchObject({
      status: "failed",
      message: "counter: schema counter is old, 0002_more.sql not applied",
      hint: "plinth restart counter applies them",
    });
  });

  test("a migration that was changed after it ran", async () => {
    const file = path.join(counter, "migrations", "0001_create_visit.sql");
    const before = await readFile(file, "utf8");
    await writeFile(file, `${before}\n-- edited\n`);
    onTestFinished(() => writeFile(file, before));
    const { message, hint } = await trouble("migrations");
    expect(message).toBe("counter: 0001_create_visit.sql changed after being applied to schema counter");
    expect(hint).toContain("restore the file");
  });

  test("a wrong password of the database", async () => {
    const file = path.join(home, "secrets.json");
    const before = await readFile(file, "utf8");
    const { postgresPassword } = JSON.parse(before) as { postgresPassword: string };
    await writeFile(file, before.replace(postgresPassword, "another-password"));
    onTestFinished(() => writeFile(file, before));
    const { message, hint } = await trouble("postgresql");
    expect(message).toBe(`PostgreSQL refuses the password in ${file}`);
    expect(hint).toContain("restore that file from a backup");
  });

  test("Kafka that is away", async () => {
    const closed = await closedPort();
    const bus = async () => ({ PLINTH_BUS_DRIVER: "kafka", PLINTH_KAFKA_BROKERS: `127.0.0.1:${closed}` });
    const { message, hint } = await trouble("bus", { bus });
    expect(message).toContain(`0 of 1 brokers of Kafka answer: 127.0.0.1:${closed}: connect ECONNREFUSED`);
    expect(hint).toContain("start Kafka again, or correct its address");
  });

  test("a service that ended, and a platform that does not run", async () => {
    const { services } = await context.status();
    process.kill(services[0]?.instances[0]?.pid ?? Number.NaN, "SIGKILL");
    await eventually(async () => expect((await trouble("instances")).message).toContain("counter"));
    const nowhere = openLocalContext(path.join(home, "nowhere"), systemClock);
    const [first, ...others] = await runChecks(localChecks, nowhere, { clock: systemClock });
    expect(first).toMatchObject({ name: "control socket", status: "failed" });
    expect(first?.hint).toContain("npm start");
    expect(others.some(({ status }) => status === "skipped")).toBe(true);
  });
});

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type CallOptions, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { AuditService } from "@plinth/proto/plinth/audit/v1/audit";
import { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import { closedLoop } from "./load.ts";
import { usageOf } from "./process-meter.ts";
import { printTable } from "./table.ts";

const main = path.resolve(import.meta.dirname, "../../cli/src/main.ts");
const password = "walnut ferry oblique";

/** What a whole platform does on this machine: clients, five services and PostgreSQL share its cores. Calls go to the services directly. */
export async function benchPlatform(seconds: number): Promise<void> {
  const platform = await startPlatform();
  try {
    const { auth, identity, authz, audit } = platform.clients;
    const idle = memory(await platform.rss());
    const { accessToken } = await auth.login(platform.admin);
    const as: CallOptions = { headers: { authorization: `Bearer ${accessToken}` } };
    const emails = await Promise.all(
      Array.from(
        { length: 20 },
        async (_, i) =>
          (await identity.createUser({ email: `bench${i}-${Date.now()}@test.example`, password }, as)).email,
      ),
    );
    const object = "platform:plinth";
    const subject = JSON.parse(Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString()).sub as string;
    let n = 0;
    const login = () => auth.login({ email: emails[n++ % emails.length] ?? "", password });
    const rows = [];
    rows.push(
      await measure("sign-ins, 4 at a time", platform, ["identity", "auth"], () => closedLoop(4, seconds, login)),
    );
    rows.push(await duringLogins(platform, seconds, login, as));
    rows.push(
      await measure("permission checks (computed relation)", platform, ["authz"], () =>
        closedLoop(16, seconds, () => authz.check({ object, relation: "can_read_audit", subject }, as)),
      ),
    );
    const created = await measure("users created, each with its event", platform, ["identity"], () =>
      closedLoop(8, seconds, () => identity.createUser({ email: `u${n++}-${Date.now()}@test.example` }, as)),
    );
    rows.push(created);
    const lagBegin = performance.now();
    await untilAudited(audit, created.calls, as);
    printTable(
      `Platform: ${seconds} s each`,
      rows.map(({ calls: _, ...row }) => row),
    );
    process.stdout.write(
      `\nThe last of ${created.calls} created users was in the audit log ${((performance.now() - lagBegin) / 1000).toFixed(1)} s after the load ended.\n`,
    );
    process.stdout.write(`Memory when idle: ${idle}.\nAfter the load: ${memory(await platform.rss())}.\n`);
    process.stdout.write(
      "CPU is that of the named services' processes, without PostgreSQL and the clients. Left out: the gateway, several instances, a database of production size.\n",
    );
  } finally {
    await platform.stop();
  }
}

function memory(rss: readonly [string, number][]): string {
  const sum = rss.reduce((total, [, mib]) => total + mib, 0);
  return `${Math.round(sum)} MiB RSS (${rss.map(([name, mib]) => `${name} ${Math.round(mib)}`).join(", ")})`;
}

async function measure(
  name: string,
  platform: Platform,
  services: string[],
  load: () => ReturnType<typeof closedLoop>,
) {
  const pids = await platform.pids(services);
  const cpu = () => pids.reduce((sum, pid) => sum + usageOf(pid).cpuUs, 0);
  const before = cpu();
  const result = await load();
  return {
    what: name,
    "per second": result.ratePerS,
    "CPU us each": (cpu() - before) / result.calls,
    "p50 ms": result.p50Ms,
    "p99 ms": result.p99Ms,
    "RSS MiB": pids.reduce((sum, pid) => sum + usageOf(pid).rssMiB, 0),
    failed: result.failed,
    calls: result.calls,
  };
}

/** Reading one user again and again while sign-ins keep the hashing busy. */
async function duringLogins(platform: Platform, seconds: number, login: () => Promise<unknown>, as: CallOptions) {
  const { identity } = platform.clients;
  const { users } = await identity.listUsers({ pageSize: 1 }, as);
  const logins = closedLoop(4, seconds, login);
  const read = await measure("reading a user during sign-ins", platform, ["identity"], () =>
    closedLoop(1, seconds, () => identity.getUser({ id: users[0]?.id ?? "" }, as)),
  );
  await logins;
  return read;
}

async function untilAudited(audit: Platform["clients"]["audit"], count: number, as: CallOptions): Promise<void> {
  const deadline = performance.now() + 120_000;
  let seen = 0;
  while (seen < count && performance.now() < deadline) {
    const { entries } = await audit.listEntries(
      { pageSize: 1, filter: { action: "plinth.identity.v1.UserCreated" } },
      as,
    );
    seen = Number(entries[0]?.sequence ?? 0n);
    // Other entries count as well; the newest sequence number only bounds it, the short wait makes it exact enough.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const again = await audit.listEntries({ pageSize: 1 }, as);
    if (again.entries[0]?.sequence === entries[0]?.sequence && seen >= count) return;
  }
}

interface Platform {
  admin: { email: string; password: string };
  clients: ReturnType<typeof clientsOf>;
  pids(services: string[]): Promise<number[]>;
  rss(): Promise<[string, number][]>;
  stop(): Promise<void>;
}

interface Status {
  services: { name: string; instances: { pid: number; port: number }[] }[];
}

function clientsOf({ services }: Status) {
  const transport = (name: string) =>
    createGrpcTransport({ baseUrl: `http://127.0.0.1:${services.find((s) => s.name === name)?.instances[0]?.port}` });
  return {
    auth: createClient(AuthService, transport("auth")),
    identity: createClient(IdentityService, transport("identity")),
    authz: createClient(AuthzService, transport("authz")),
    audit: createClient(AuditService, transport("audit")),
  };
}

async function startPlatform(): Promise<Platform> {
  const home = await mkdtemp(path.join(tmpdir(), "plinth-bench-platform-"));
  const child = spawn(process.execPath, [main, "up", "--data", home, "--no-check", "--log-level", "warn"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise<void>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the platform ended with ${code}`)));
    child.stdout.on("data", (chunk: Buffer) => chunk.toString().includes("Ctrl-C stops everything.") && resolve());
  });
  const status = await statusOf(home);
  const pidOf = (name: string) => status.services.find((s) => s.name === name)?.instances[0]?.pid ?? 0;
  const { email, password: secret } = JSON.parse(await readFile(path.join(home, "admin.json"), "utf8"));
  return {
    admin: { email, password: secret },
    clients: clientsOf(status),
    pids: async (services) => services.map(pidOf),
    rss: async () => status.services.map(({ name }) => [name, usageOf(pidOf(name)).rssMiB]),
    async stop() {
      await stopped(child);
      await rm(home, { recursive: true, force: true });
    },
  };
}

function stopped(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.removeAllListeners("exit");
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}

async function statusOf(home: string): Promise<Status> {
  const child = spawn(process.execPath, [main, "status", "-o", "json", "--data", home], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  for await (const chunk of child.stdout) text += chunk;
  return JSON.parse(text) as Status;
}

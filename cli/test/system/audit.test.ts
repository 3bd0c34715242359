import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { eventually, startTcpProxy } from "@plinth/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { call, type Platform, signIn, startHookMs, startPlatform } from "./platform.ts";

vi.setConfig({ testTimeout: 600_000 });
/** The log takes in what happens by itself, and signs it a moment later. */
const boundMs = 90_000;

const main = path.resolve(import.meta.dirname, "../../src/main.ts");
let platform: Platform;
let folder = "";

beforeAll(async () => {
  platform = await startPlatform("--log-level", "warn", "--no-check");
  folder = await mkdtemp(path.join(tmpdir(), "plinth-audit-"));
}, startHookMs);
afterAll(async () => {
  await platform?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** `plinth audit ...` as a person would type it. */
function plinth(...args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, "audit", ...args], { cwd: folder }, (err, stdout, stderr) =>
      resolve({ code: err ? Number(err.code) : 0, output: stdout + stderr }),
    );
  });
}

const entriesAbout = (userId: string, token: string) =>
  call<{ entries?: { id: string; sourceSequence?: string }[] }>(
    platform.gateway,
    "plinth.audit.v1.AuditService/ListEntries",
    { filter: { resource: `users/${userId}` } },
    token,
  );

describe("plinth audit, on a platform that runs", () => {
  test("knows what each service runs with, and which routes are served", async () => {
    const token = await signIn(platform);
    const ask = { filter: { action: "plinth.configuration." }, pageSize: 500 };
    const list = () =>
      call<{ entries?: { source: string; action: string; resource: string; details: { after: object } }[] }>(
        ...[platform.gateway, "plinth.audit.v1.AuditService/ListEntries", ask, token],
      );
    const { entries, about } = await eventually(async () => {
      const { entries = [] } = await list();
      const about = (resource: string) => entries.find((entry) => entry.resource === `configurations/${resource}`);
      const settings = entries.filter(({ resource }) => resource.endsWith("/settings/process"));
      expect(settings.map(({ source }) => source).sort()).toEqual(["audit", "auth", "authz", "gateway", "identity"]);
      // Its routes come by themselves, as services do.
      expect(about("gateway/routes/audit/0")).toBeDefined();
      return { entries, about };
    }, boundMs);
    expect(about("identity/settings/process")?.details.after).toMatchObject({
      version: expect.any(String),
      PLINTH_DATABASE_URL: "(secret)",
    });
    expect(about("gateway/routes/audit/0")).toMatchObject({
      action: "plinth.configuration.added",
      details: {
        after: {
          authentication: "Required",
          rateLimit: { requests: 100, perMs: 1_000, key: "Principal" },
          matches: [{ pathType: "Prefix", path: "/plinth.audit.v1.AuditService" }],
        },
      },
    });
    expect(JSON.stringify(entries)).not.toMatch(/postgres(ql)?:\/\/[^"]*:[^"]*@/);
  });

  test("shows keys, verifies the log, exports, proves; and once more without the platform", async () => {
    const data = ["--data", platform.home];
    const keys = await plinth("keys", ...data);
    expect(keys).toMatchObject({ code: 0, output: expect.stringContaining("plinth.localhost/audit+") });
    await writeFile(path.join(folder, "keys"), keys.output);
    const whole = await eventually(async () => {
      const verified = await plinth("verify", "--key", "keys", "--save", "remembered", ...data);
      expect(verified).toMatchObject({ code: 0, output: expect.stringContaining("make its signed root hash") });
      return verified;
    }, boundMs);
    expect(whole.output).toContain("no source says that something of it is missing");

    const token = await signIn(platform);
    const created = { email: "proven@test.example" };
    const { id: userId } = await call<{ id: string }>(
      platform.gateway,
      "plinth.identity.v1.IdentityService/CreateUser",
      created,
      token,
    );
    const list = () => entriesAbout(userId, token);
    const entry = await eventually(async () => {
      const [first] = (await list()).entries ?? [];
      expect(first).toBeDefined();
      return first;
    }, boundMs);

    await eventually(
      async () =>
        expect(await plinth("proof", entry?.id ?? "", "-o", "one.tlog-proof", ...data)).toMatchObject({ code: 0 }),
      boundMs,
    );
    const since = await plinth("verify", "--key", "keys", "--since", "remembered", ...data);
    expect(since).toMatchObject({ code: 0, output: expect.stringContaining("leaves of the earlier checkpoint") });
    expect(await plinth("export", "-o", "all.jsonl", ...data)).toMatchObject({ code: 0 });
    expect(await plinth("export", "--resource", `users/${userId}`, "-o", "some.jsonl", ...data)).toMatchObject({
      code: 0,
    });
    expect(await plinth("export", "--format", "csv", "-o", "all.csv", ...data)).toMatchObject({ code: 0 });
    expect(await readFile(path.join(folder, "all.csv"), "utf8")).toContain(entry?.id ?? "none");

    expect(await plinth("verify", "one.tlog-proof", "--key", "keys")).toMatchObject({
      code: 0,
      output: expect.stringContaining("proven@test.example"),
    });
    expect(await plinth("verify", "all.jsonl", "--key", "keys", "--since", "remembered")).toMatchObject({ code: 0 });
    expect(await plinth("verify", "some.jsonl", "--key", "keys")).toMatchObject({ code: 0 });
    const text = await readFile(path.join(folder, "all.jsonl"), "utf8");
    await writeFile(path.join(folder, "bad.jsonl"), text.replace("proven@test.example", "other@test.example"));
    expect(await plinth("verify", "bad.jsonl", "--key", "keys")).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^NOT VALID: entry \d+: resource, details or payload are not what was logged/),
    });
  });

  test("an export goes on where its connection was cut, and has each entry once", async () => {
    const token = await signIn(platform);
    let last = "";
    for (let n = 0; n < 12; n++) {
      const entry = { action: "test.large", actor: "user:1", resource: `large/${n}`, outcome: "OUTCOME_SUCCESS" };
      last = crypto.randomUUID();
      const record = { id: last, ...entry, details: { text: randomBytes(120_000).toString("hex") } };
      await call(platform.gateway, "plinth.audit.v1.AuditService/RecordEntry", record, token);
    }
    const keys = await plinth("keys", "--data", platform.home);
    await writeFile(path.join(folder, "keys"), keys.output);
    // An export has what the newest checkpoint covers.
    await eventually(
      () => call(platform.gateway, "plinth.audit.v1.LogService/GetEntryProof", { id: last }, token),
      boundMs,
    );
    const proxy = await startTcpProxy(new URL(platform.gateway).host, { cutAfterBytes: [700_000, 200_000, 700_000] });
    try {
      const elsewhere = ["--url", `http://127.0.0.1:${proxy.port}`, "--token", token];
      const filter = ["--action", "test.large"];
      expect(await plinth("export", ...filter, "-o", "cut.jsonl", ...elsewhere)).toMatchObject({
        code: 0,
        output: expect.stringContaining("the export was cut"),
      });
      expect(proxy.cutShort).toBe(3);
      expect(await plinth("export", ...filter, "-o", "whole.jsonl", ...elsewhere)).toMatchObject({ code: 0 });
    } finally {
      await proxy.close();
    }
    const resources = async (file: string) =>
      [...(await readFile(path.join(folder, file), "utf8")).matchAll(/"resource":"(large\/\d+)"/g)].map(
        ([, name]) => name,
      );
    expect(await resources("cut.jsonl")).toEqual(Array.from({ length: 12 }, (_, n) => `large/${n}`));
    expect(await resources("whole.jsonl")).toEqual(await resources("cut.jsonl"));
    expect(await plinth("verify", "cut.jsonl", "--key", "keys")).toMatchObject({ code: 0 });
  });

  test("tells from where a change came, whatever the caller says about it, and which of its source's events it is", async () => {
    const token = await signIn(platform);
    const forged = {
      ...{
        "x-plinth-client-address": "203.0.113.66",
        "x-forwarded-for": "203.0.113.66",
        forwarded: "for=203.0.113.66",
      },
      ...{ "x-plinth-via": "auth", ce_clientaddress: "203.0.113.66", ce_via: "auth", ce_sequence: "1" },
    };
    const [instance] = await platform.instances("identity");
    const doors = [platform.gateway, `http://127.0.0.1:${instance?.port}`];
    const numbers: number[] = [];
    for (const [at, door] of doors.entries()) {
      const rpc = "plinth.identity.v1.IdentityService/CreateUser";
      const { id } = await call<{ id: string }>(door, rpc, { email: `from${at}@test.example` }, token, forged);
      const entries = async () => (await entriesAbout(id, token)).entries ?? [];
      const [entry] = await eventually(async () => {
        const found = await entries();
        expect(found).toHaveLength(1);
        return found;
      }, boundMs);
      expect(entry).toMatchObject({ ipAddress: "127.0.0.1", sourceSequence: expect.any(String) });
      expect(entry).not.toHaveProperty("via");
      numbers.push(Number(entry?.sourceSequence));
    }
    expect(numbers[1]).toBeGreaterThan(numbers[0] ?? Number.POSITIVE_INFINITY);
    const spoofed = { ...forged, "x-plinth-workload-token": "made.up.token" };
    const guess = call(doors[1] ?? "", "plinth.identity.v1.IdentityService/CreateUser", {}, token, spoofed);
    await expect(guess).rejects.toMatchObject({ status: 401 });
  });

  test("the log's tiles are not for everybody", async () => {
    expect((await fetch(`${platform.gateway}/tlog/checkpoint`)).status).toBe(401);
    const authorization = `Bearer ${await signIn(platform)}`;
    const checkpoint = await fetch(`${platform.gateway}/tlog/checkpoint`, { headers: { authorization } });
    expect(await checkpoint.text()).toMatch(/^plinth\.localhost\/audit\n\d+\n/);
  });
});

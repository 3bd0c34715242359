import { eventually } from "@plinth/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { call, type Platform, signIn, startHookMs, startPlatform } from "./platform.ts";

vi.setConfig({ testTimeout: 600_000 });
/** Whatever is waited for happens by itself, on a machine that others use as well. */
const boundMs = 90_000;

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform("--log-level", "warn", "--replicas", "identity=2");
}, startHookMs);
afterAll(() => platform?.stop());

interface Load {
  /** Ids of the users whose creation was acknowledged. */
  acknowledged: string[];
  failures: unknown[];
  stop(): Promise<void>;
}

let counter = 0;

/** Creates users one after another on some lanes, slowly enough to stay below the rate limit, and notes every answer. */
function createUsers(token: string): Load {
  const acknowledged: string[] = [];
  const failures: unknown[] = [];
  let running = true;
  const lane = async () => {
    while (running) {
      const email = `load${++counter}@test.example`;
      await call<{ id: string }>(
        platform.gateway,
        "plinth.identity.v1.IdentityService/CreateUser",
        { email },
        token,
      ).then(
        (user) => acknowledged.push(user.id),
        (err) => failures.push(err),
      );
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
  };
  const lanes = [lane(), lane()];
  return {
    acknowledged,
    failures,
    async stop() {
      running = false;
      await Promise.all(lanes);
    },
  };
}

async function auditedUsers(token: string): Promise<Set<string>> {
  const found = new Set<string>();
  let pageToken = "";
  do {
    const page: { entries?: { resource?: string }[]; nextPageToken?: string } = await call(
      platform.gateway,
      "plinth.audit.v1.AuditService/ListEntries",
      { pageSize: 500, pageToken, filter: { action: "plinth.identity.v1.UserCreated" } },
      token,
    );
    for (const entry of page.entries ?? []) found.add((entry.resource ?? "erased").replace("users/", ""));
    pageToken = page.nextPageToken ?? "";
  } while (pageToken !== "");
  return found;
}

describe("kill -9 of each service in turn under load", () => {
  test.each(["audit", "authz", "identity", "auth", "gateway"])(
    "%s: recovers by itself, and nothing that was acknowledged is lost",
    async (service) => {
      let token = await signIn(platform);
      const load = createUsers(token);
      await eventually(() => expect(load.acknowledged.length).toBeGreaterThan(5), boundMs);
      const [victim] = await platform.instances(service);
      const restarts = victim?.restarts ?? 0;
      process.kill(victim?.pid ?? Number.NaN, "SIGKILL");
      await eventually(async () => {
        const [now] = await platform.instances(service);
        expect(now).toMatchObject({ label: victim?.label, state: "ready", restarts: restarts + 1 });
      }, boundMs);
      // The platform serves again: new users come in after the death.
      const before = load.acknowledged.length;
      await eventually(() => expect(load.acknowledged.length).toBeGreaterThan(before + 5), boundMs);
      await load.stop();
      // No call of the load needs auth: it may be ready before the gateway has found it again.
      token = await eventually(() => signIn(platform), boundMs);
      // One after another they come faster than the route's rate limit lets them.
      for (const id of load.acknowledged)
        await eventually(
          () => call(platform.gateway, "plinth.identity.v1.IdentityService/GetUser", { id }, token),
          boundMs,
        );
      await eventually(async () => {
        const audited = await auditedUsers(token);
        expect(load.acknowledged.filter((id) => !audited.has(id))).toEqual([]);
      }, boundMs);
    },
  );
});

describe("two instances of a service", () => {
  test("both get calls; one that stops in order costs no call", async () => {
    const token = await signIn(platform);
    const [first, second] = await platform.instances("identity");
    const served = async (adminPort: number | undefined): Promise<number> => {
      const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
      return Number(
        /rpc_server_call_duration\w*_count\{[^}]*CreateUser[^}]*status_code="ok"[^}]*\} (\d+)/.exec(metrics)?.[1] ?? 0,
      );
    };
    const load = createUsers(token);
    await eventually(
      async () => expect(Math.min(await served(first?.adminPort), await served(second?.adminPort))).toBeGreaterThan(3),
      boundMs,
    );
    process.kill(first?.pid ?? Number.NaN, "SIGTERM");
    await eventually(async () => {
      const now = (await platform.instances("identity"))[0];
      expect(now?.state).toBe("ready");
      expect(now?.pid).not.toBe(first?.pid);
    }, boundMs);
    const before = load.acknowledged.length;
    await eventually(() => expect(load.acknowledged.length).toBeGreaterThan(before + 10), boundMs);
    await load.stop();
    expect(load.failures).toEqual([]);
  });
});

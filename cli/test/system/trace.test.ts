import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { eventually } from "@plinth/testing";
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from "@plinth/testing/otlp";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { call, type Platform, signIn, startHookMs, startPlatform } from "./platform.ts";

vi.setConfig({ testTimeout: 600_000 });

const main = path.resolve(import.meta.dirname, "../../src/main.ts");
const boundMs = 90_000;

let platform: Platform;
let otlp: OtlpReceiver;
let token: string;
/** A change by a user, made once for all tests. */
let change: { userId: string; requestId: string; traceId: string };

beforeAll(async () => {
  otlp = await startOtlpReceiver();
  vi.stubEnv("PLINTH_OTLP_ENDPOINT", otlp.endpoint);
  vi.stubEnv("PLINTH_OTLP_SIGNALS", "traces,metrics,logs");
  platform = await startPlatform();
  vi.unstubAllEnvs();
  token = await signIn(platform);
  change = await createUser();
}, startHookMs);
afterAll(async () => {
  await platform?.stop();
  otlp?.close();
});

async function createUser(): Promise<typeof change> {
  const traceId = randomBytes(16).toString("hex");
  const response = await fetch(`${platform.gateway}/plinth.identity.v1.IdentityService/CreateUser`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${token}`,
      traceparent: `00-${traceId}-00000000000000ff-01`,
    },
    body: JSON.stringify({ email: `${randomBytes(6).toString("hex")}@test.example` }),
  });
  expect(response.status).toBe(200);
  const { id } = (await response.json()) as { id: string };
  return { userId: id, requestId: response.headers.get("x-request-id") ?? "", traceId };
}

const spansOf = (traceId: string): ReceivedSpan[] => otlp.spans.filter((span) => span.traceId === traceId);

/** From the first step to a span: "gateway: ... > identity: ...". */
function pathTo(span: ReceivedSpan, all: readonly ReceivedSpan[]): string {
  const parent = all.find(({ spanId }) => spanId === span.parentSpanId);
  return `${parent === undefined ? "" : `${pathTo(parent, all)} > `}${span.service}: ${span.name}`;
}

const plinth = (...args: string[]): Promise<{ code: number | null; output: string }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [main, ...args, "--data", platform.home], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    child.once("close", (code) => resolve({ code, output }));
  });

const createUserRpc = "plinth.identity.v1.IdentityService/CreateUser";
const checkRpc = "plinth.authz.v1.AuthzService/Check";

test("a change is one trace through gateway, services, database and bus to the audit entry, each step below its cause", async () => {
  const { traceId, userId } = change;
  const edge = "gateway: POST identity/0";
  const rpc = `${edge} > identity: ${createUserRpc}`;
  const sent = `${rpc} > identity: send identity.user.v1`;
  await eventually(() => {
    const all = spansOf(traceId);
    expect(all.map((span) => pathTo(span, all))).toEqual(
      expect.arrayContaining([
        edge,
        rpc,
        `${rpc} > identity: ${checkRpc}`,
        `${rpc} > identity: ${checkRpc} > authz: ${checkRpc}`,
        `${rpc} > identity: transaction > identity: INSERT users`,
        `${rpc} > identity: transaction > identity: INSERT outbox`,
        `${rpc} > identity: transaction > identity: COMMIT`,
        sent,
        `${sent} > auth: process identity.user.v1`,
        `${sent} > authz: process identity.user.v1`,
        `${sent} > audit: process identity.user.v1`,
      ]),
    );
  }, boundMs);
  const all = spansOf(traceId);
  expect(all.find(({ name }) => name === "POST identity/0")?.parentSpanId, "the caller's own span").toBe(
    "00000000000000ff",
  );
  expect(all.filter(({ failed }) => failed)).toEqual([]);
  const insert = all.find(({ name }) => name === "INSERT users");
  expect(insert?.attributes).toMatchObject({ "db.system.name": "postgresql", "db.operation.name": "INSERT" });
  expect(insert?.attributes["db.query.text"], "values stay out").not.toContain("@test.example");
  await eventually(async () => {
    const { entries = [] } = await call<{ entries?: { action: string; traceId: string }[] }>(
      platform.gateway,
      "plinth.audit.v1.AuditService/ListEntries",
      { filter: { resource: `users/${userId}` } },
      token,
    );
    expect(entries).toContainEqual(expect.objectContaining({ action: "plinth.identity.v1.UserCreated", traceId }));
  }, boundMs);
});

test("what nobody asked for is not traced: polls of outbox, bus and log leave no spans of their own", async () => {
  await eventually(() => expect(spansOf(change.traceId).length).toBeGreaterThan(10), boundMs);
  const statements = otlp.spans.filter(({ attributes }) => attributes["db.query.text"] !== undefined);
  expect(statements.filter(({ parentSpanId }) => parentSpanId === "")).toEqual([]);
});

test("traces, metrics and log lines of every service say where they come from", async () => {
  const services = ["audit", "auth", "authz", "gateway", "identity"];
  await eventually(() => {
    for (const signal of [otlp.spans, otlp.metrics, otlp.logs])
      expect([...new Set(signal.map(({ resource }) => resource["service.name"]))].sort()).toEqual(services);
  }, boundMs);
  for (const { resource } of [...otlp.spans, ...otlp.metrics, ...otlp.logs])
    expect(resource).toMatchObject({
      "service.namespace": "plinth",
      "service.version": expect.any(String),
      "service.instance.id": expect.stringContaining(`${resource["service.name"]}-0`),
    });
});

test("every line of a request has its ids, in the gateway's access log as well", async () => {
  const isAccess = ({ service, msg }: Line): boolean => service === "gateway" && msg === "request";
  const lines = await eventually(async () => {
    const found = await linesOf(change.traceId);
    expect(found.some(isAccess)).toBe(true);
    return found;
  }, boundMs);
  for (const line of lines)
    expect(line).toMatchObject({ request_id: change.requestId, span_id: expect.stringMatching(/^[0-9a-f]{16}$/) });
  expect(lines.find(isAccess)).toMatchObject({ status: 200, path: `/${createUserRpc}` });
});

test("plinth trace draws a request by the x-request-id of its answer, and by its trace id", async () => {
  const { requestId, traceId } = change;
  const drawn = await eventually(async () => {
    const { code, output } = await plinth("trace", requestId);
    expect(code).toBe(0);
    // Each process writes its spans by itself, the first step as well.
    expect(output).toMatch(/audit {6}.*process identity\.user\.v1/);
    expect(output).toMatch(new RegExp(`identity +└─ ${createUserRpc}`));
    return output;
  }, boundMs);
  expect(drawn).toContain(`trace ${traceId}  request ${requestId}`);
  expect(drawn, "the access log's line stands below its step").toMatch(/200 POST \/plinth\.identity/);
  const { output } = await plinth("trace", traceId, "-o", "json");
  expect(JSON.parse(output)).toMatchObject({ id: traceId, steps: [{ span: { service: "gateway" } }] });
});

test("plinth trace finds what failed, what was slow, and says when it keeps nothing of an id", async () => {
  const response = await fetch(`${platform.gateway}/plinth.identity.v1.IdentityService/GetUser`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-request-id": "see-why-1" },
    body: "{}",
  });
  expect(response.status).toBe(401);
  await eventually(async () => {
    const { output } = await plinth("trace", "--errors", "-n", "5");
    expect(output).toMatch(/see-why-1 +gateway POST \S+GetUser {2}! 401 TOKEN_MISSING/);
  }, boundMs);
  const slowest = JSON.parse((await plinth("trace", "--slow", "-n", "3", "-o", "json")).output) as {
    durationMs: number;
  }[];
  expect(slowest.length).toBe(3);
  expect(slowest.map(({ durationMs }) => durationMs)).toEqual(
    slowest.map(({ durationMs }) => durationMs).toSorted((a, b) => b - a),
  );
  expect((await plinth("trace", "--last")).output).toContain("gateway");
  const unknown = await plinth("trace", "0".repeat(32));
  expect(unknown.code).toBe(1);
  expect(unknown.output).toContain("nothing is kept of");
});

test("every metric that services tell is in docs/metrics.md, with its labels", async () => {
  const page = await readFile(path.resolve(import.meta.dirname, "../../../docs/metrics.md"), "utf8");
  const documented = new Map(
    [...page.matchAll(/^\| `(\w+)` \| (\w+) \| \w* \| ([^|]*)\|/gm)].map(([, name = "", type, labels = ""]) => [
      name,
      { type, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label) },
    ]),
  );
  const wrong = new Set<string>();
  const seen = new Set<string>();
  for (const service of ["audit", "auth", "authz", "gateway", "identity"]) {
    const [instance] = await platform.instances(service);
    const text = await (await fetch(`http://127.0.0.1:${instance?.adminPort}/metrics`)).text();
    const types = new Map([...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = "", type = ""]) => [name, type]));
    for (const [name, type] of types) {
      seen.add(name);
      if (documented.get(name)?.type !== type) wrong.add(`${name} is a ${type}`);
    }
    for (const [, sample = "", inside = ""] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
      const name = types.has(sample) ? sample : sample.replace(/_(bucket|sum|count)$/, "");
      const known = documented.get(name)?.labels ?? [];
      for (const [, label = ""] of inside.matchAll(/(\w+)="/g))
        if (label !== "le" && !known.includes(label)) wrong.add(`${name}{${label}}`);
    }
  }
  expect([...wrong]).toEqual([]);
  expect(seen.size).toBeGreaterThan(20);
});

interface Line {
  service: string;
  msg: string;
  trace_id?: string;
}

async function linesOf(traceId: string): Promise<Line[]> {
  const files = ["audit", "auth", "authz", "gateway", "identity"].map((name) =>
    path.join(platform.home, "logs", `${name}.log`),
  );
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  return texts
    .flatMap((text) => text.split("\n"))
    .filter((line) => line.includes(traceId))
    .map((line) => JSON.parse(line) as Line)
    .filter(({ trace_id }) => trace_id === traceId);
}

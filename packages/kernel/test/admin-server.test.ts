import { once } from "node:events";
import { connect } from "node:net";
import { metrics } from "@opentelemetry/api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAdminServer, createHealth, startTelemetry } from "../src/index.ts";

const telemetry = startTelemetry({
  service: "notes",
  version: "1.2.3",
  instanceId: "notes-1",
  otlpEndpoint: undefined,
  traceRatio: 1,
});
const health = createHealth();
const admin = createAdminServer({ host: "127.0.0.1", port: 0, health, telemetry });
const get = (path: string) => fetch(`http://127.0.0.1:${admin.port()}${path}`);

beforeAll(() => admin.start?.());
afterAll(async () => {
  await admin.stop?.(AbortSignal.timeout(1_000));
  await telemetry.shutdown();
});

test("/livez answers while the process starts", async () => {
  const response = await get("/livez");
  expect([response.status, await response.text()]).toEqual([200, "ok\n"]);
});

test("/readyz says why not, then that it is ready, then why not any more", async () => {
  let problem: string | undefined = "no connection";
  health.add("database", () => problem);
  const starting = await get("/readyz");
  expect(starting.status).toBe(503);
  expect(starting.headers.get("content-type")).toBe("application/json");
  expect(await starting.json()).toEqual({
    ready: false,
    problems: [
      { name: "process", problem: "starting" },
      { name: "database", problem: "no connection" },
    ],
  });
  problem = undefined;
  health.setStarted();
  const ready = await get("/readyz?verbose");
  expect([ready.status, await ready.json()]).toEqual([200, { ready: true, problems: [] }]);
  health.setDraining();
  expect((await get("/readyz")).status).toBe(503);
  expect((await get("/livez")).status).toBe(200);
});

test("/metrics shows a counter in the Prometheus text format, with the process's identity", async () => {
  const counter = metrics.getMeter("test").createCounter("notes.stored", { description: "notes stored so far" });
  counter.add(2, { kind: "draft" });
  counter.add(1, { kind: "draft" });
  const response = await get("/metrics");
  const text = await response.text();
  expect(response.headers.get("content-type")).toMatch(/^text\/plain/);
  expect(text).toContain("# TYPE notes_stored_total counter");
  expect(text).toMatch(/^notes_stored_total\{kind="draft"\} 3( \d+)?$/m);
  expect(text).toMatch(/^target_info\{.*service_name="notes".*service_instance_id="notes-1"/m);
});

test("anything else is not there, and says what is", async () => {
  const response = await get("/");
  expect(response.status).toBe(404);
  expect(await response.text()).toContain("/livez, /readyz and /metrics");
});

test("a port that is taken is an error at start, not later", async () => {
  const second = createAdminServer({ host: "127.0.0.1", port: admin.port(), health, telemetry });
  await expect(second.start?.()).rejects.toMatchObject({ code: "EADDRINUSE" });
});

test("stopping waits neither for idle connections nor for unfinished requests", async () => {
  const other = createAdminServer({ host: "127.0.0.1", port: 0, health, telemetry });
  await other.start?.();
  await (await fetch(`http://127.0.0.1:${other.port()}/livez`)).text(); // fetch keeps this connection open
  const slow = connect(other.port(), "127.0.0.1");
  await once(slow, "connect");
  slow.write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\n");
  await once(slow, "data"); // the first request is answered, the second will never be complete
  const closed = once(slow, "close");
  await expect(other.stop?.(AbortSignal.timeout(1_000))).resolves.toBeUndefined();
  await closed;
});

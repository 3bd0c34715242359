import { Fault, silentLogger } from "@plinth/kernel";
import { createFakeClock, createSeededRandom, eventually, type FakeClock } from "@plinth/testing";
import { expect, test } from "vitest";
import { createApiClient } from "../src/api-client.ts";
import { createEventRecorder, type EventRecorder } from "../src/events.ts";
import type { ApiCall } from "../src/transport.ts";

const service = (name: string) => ({
  apiVersion: "plinth.dev/v1alpha1",
  kind: "PlatformService",
  metadata: { name, namespace: "team", uid: `uid-${name}` },
});
const migrated = { type: "Normal", reason: "Migrated", action: "Migrate", note: "3 migrations applied" } as const;

function start(answer: (call: ApiCall) => void | Promise<void> = () => {}): {
  recorder: EventRecorder;
  clock: FakeClock;
  calls: ApiCall[];
} {
  const calls: ApiCall[] = [];
  const clock = createFakeClock();
  const client = createApiClient({
    async send(call) {
      calls.push(call);
      await answer(call);
      return { body: {} };
    },
    async *open() {},
    async close() {},
  });
  const names = { controller: "plinth.dev/operator", instance: "operator-0" };
  const recorder = createEventRecorder({
    client,
    clock,
    random: createSeededRandom(1),
    logger: silentLogger,
    ...names,
  });
  return { recorder, clock, calls };
}

test("an event names its object, its time and who tells it", async () => {
  const { recorder, calls } = start();
  recorder.record(service("notes"), migrated);
  await eventually(() => expect(calls).toHaveLength(1));
  expect(calls[0]).toMatchObject({ method: "POST", path: "/apis/events.k8s.io/v1/namespaces/team/events" });
  expect(calls[0]?.body).toMatchObject({
    ...migrated,
    regarding: { kind: "PlatformService", name: "notes", namespace: "team", uid: "uid-notes" },
    reportingController: "plinth.dev/operator",
    reportingInstance: "operator-0",
    eventTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
  });
});

test("repetitions raise a count, rarely", async () => {
  const { recorder, calls } = start();
  for (let i = 0; i < 100; i++) {
    recorder.record(service("notes"), migrated);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const patches = calls
    .slice(1)
    .map(({ method, body }) => [method, (body as { series: { count: number } }).series.count]);
  expect(patches).toEqual([2, 4, 8, 16, 32, 64].map((count) => ["PATCH", count]));
});

test("repetitions while the API server is slow are one write", async () => {
  const slow = Promise.withResolvers<void>();
  const { recorder, calls } = start(() => slow.promise);
  recorder.record(service("other"), migrated);
  for (let i = 0; i < 100; i++) recorder.record(service("notes"), migrated);
  slow.resolve();
  await eventually(() => expect(calls.map(({ method }) => method)).toEqual(["POST", "POST", "PATCH"]));
  expect(calls.at(-1)?.body).toMatchObject({ series: { count: 100 } });
});

test("the same event after a long pause is a new one", async () => {
  const { recorder, clock, calls } = start();
  recorder.record(service("notes"), migrated);
  clock.advance(600_001);
  await eventually(() => expect(calls).toHaveLength(1));
  recorder.record(service("notes"), migrated);
  await eventually(() => expect(calls.map(({ method }) => method)).toEqual(["POST", "POST"]));
});

test("one object cannot flood the API server, and does not silence others", async () => {
  const { recorder, calls } = start();
  for (let i = 0; i < 200; i++) recorder.record(service("loud"), { ...migrated, note: `attempt ${i}` });
  recorder.record(service("quiet"), migrated);
  await eventually(() => expect(calls).toHaveLength(26));
  expect(JSON.stringify(calls.at(-1)?.body)).toContain("quiet");
});

test("a refused event is tried a few times and then given up; recording never throws", async () => {
  const { recorder, clock, calls } = start(() => {
    throw new Fault({ code: "permission_denied", reason: "FORBIDDEN", message: "no" });
  });
  recorder.record(service("notes"), migrated);
  recorder.record(service("other"), migrated);
  await eventually(() => {
    clock.advance(2_000);
    expect(calls).toHaveLength(6);
  });
});

test("stopping writes what waits", async () => {
  const { recorder, calls } = start();
  for (let i = 0; i < 10; i++) recorder.record(service(`s-${i}`), migrated);
  await recorder.stop?.(AbortSignal.timeout(60_000));
  expect(calls).toHaveLength(10);
  recorder.record(service("late"), migrated);
  expect(calls).toHaveLength(10);
});

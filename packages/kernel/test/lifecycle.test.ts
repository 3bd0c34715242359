import { describe, expect, test } from "vitest";
import { type Component, createLifecycle, createLogger, silentLogger, systemClock } from "../src/index.ts";

const options = { logger: silentLogger, clock: systemClock };

function recorder() {
  const happened: string[] = [];
  const part = (name: string, overrides: Partial<Component> = {}): Component => ({
    name,
    start: async () => void happened.push(`start ${name}`),
    stop: async () => void happened.push(`stop ${name}`),
    ...overrides,
  });
  return { happened, part };
}

/** A stop that ends only when its time is over. */
const untilAborted: Component["stop"] = (signal) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
/** A stop that not even the end of its time ends. */
const never: Component["stop"] = () => new Promise(() => {});

test("parts start in order, one after the other, and stop in reverse", async () => {
  const { happened, part } = recorder();
  const slow = part("slow", {
    async start() {
      await new Promise((resolve) => setImmediate(resolve));
      happened.push("start slow");
    },
  });
  const lifecycle = createLifecycle([slow, part("b"), { name: "without both" }, part("c")], options);
  await lifecycle.start();
  await lifecycle.stop();
  expect(happened).toEqual(["start slow", "start b", "start c", "stop c", "stop b", "stop slow"]);
});

test("when a part does not start, those before it stop and later ones never start", async () => {
  const { happened, part } = recorder();
  const cause = new Error("port 8080 is taken");
  const broken = part("server", { start: () => Promise.reject(cause) });
  const lifecycle = createLifecycle([part("a"), part("b"), broken, part("late")], options);
  const error = await lifecycle.start().catch((err: unknown) => err);
  expect(error).toMatchObject({ message: "server did not start: port 8080 is taken", cause });
  expect(happened).toEqual(["start a", "start b", "stop server", "stop b", "stop a"]);
});

test("a part that fails to stop does not keep the others from it, and is logged with its name", async () => {
  const { happened, part } = recorder();
  const lines: string[] = [];
  const logger = createLogger({ service: "x", level: "error", write: (line) => void lines.push(line) });
  const bad = part("bad", { stop: () => Promise.reject(new Error("still busy")) });
  const lifecycle = createLifecycle([part("a"), bad, part("b")], { ...options, logger });
  await lifecycle.start();
  await lifecycle.stop();
  expect(happened.slice(-2)).toEqual(["stop b", "stop a"]);
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { component: "bad", err: { message: "still busy" } },
  ]);
});

describe("the whole stop is bounded", () => {
  test("a part that waits for the signal ends with it", async () => {
    const { happened, part } = recorder();
    const lifecycle = createLifecycle([part("a"), part("b", { stop: untilAborted })], {
      ...options,
      stopTimeoutMs: 30,
    });
    await lifecycle.start();
    await lifecycle.stop();
    expect(happened).toContain("stop a");
  });

  test("parts that never end are given up, however many they are, and the rest is still asked to stop", async () => {
    const { happened, part } = recorder();
    const hanging = [part("b", { stop: never }), part("c", { stop: never }), part("d", { stop: never })];
    const lifecycle = createLifecycle([part("a"), ...hanging], { ...options, stopTimeoutMs: 30 });
    await lifecycle.start();
    await lifecycle.stop();
    expect(happened).toContain("stop a");
  });
});

test("stopping twice stops once, and both wait for the end", async () => {
  const { happened, part } = recorder();
  const busy = Promise.withResolvers<void>();
  const held = part("held", {
    async stop() {
      await busy.promise;
      happened.push("stop held");
    },
  });
  const lifecycle = createLifecycle([held], options);
  await lifecycle.start();
  const both = [lifecycle.stop(), lifecycle.stop()].map((stopped) => stopped.then(() => happened.length));
  busy.resolve();
  expect(await Promise.all(both)).toEqual([2, 2]);
  expect(happened).toEqual(["start held", "stop held"]);
});

test("stopping what never started does nothing", async () => {
  const { happened, part } = recorder();
  await createLifecycle([part("a")], options).stop();
  expect(happened).toEqual([]);
});

test("a stop while it still starts: what has not started yet never does", async () => {
  const { happened, part } = recorder();
  const started = Promise.withResolvers<void>();
  const held = part("held", { start: () => started.promise });
  const lifecycle = createLifecycle([held, part("late")], options);
  const starting = lifecycle.start();
  const stopped = lifecycle.stop();
  started.resolve();
  await Promise.all([starting, stopped]);
  expect(happened).toEqual(["stop held"]);
});

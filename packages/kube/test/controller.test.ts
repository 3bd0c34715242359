import { Fault, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { eventually, gathering } from "@plinth/testing";
import { expect, onTestFinished, test } from "vitest";
import { type Controller, type ControllerOptions, createController, type Reconcile } from "../src/controller.ts";
import type { Priority } from "../src/ready-list.ts";
import type { Source } from "../src/source.ts";
import { TerminalFault } from "../src/terminal-fault.ts";

/** A source of which the test is the API server. */
function createTestSource(initial: string[]): Source & { offer(key: string, priority?: Priority): void; sync(): void } {
  const synced = Promise.withResolvers<void>();
  let take: ((key: string, priority: Priority) => void) | undefined;
  return {
    synced: synced.promise,
    sync: synced.resolve,
    keys: () => initial,
    offer: (key, priority = "normal") => take?.(key, priority),
    open(offer) {
      take = offer;
      for (const key of initial) offer(key, "background");
      return {
        close() {
          take = undefined;
        },
      };
    },
  };
}

async function start(
  reconcile: Reconcile,
  options: Partial<ControllerOptions> & { initial?: string[] } = {},
): Promise<{ controller: Controller; source: ReturnType<typeof createTestSource> }> {
  const source = createTestSource(options.initial ?? []);
  const controller = createController({
    name: "test",
    sources: [source],
    reconcile,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    ...options,
  });
  await controller.start?.();
  onTestFinished(() => controller.stop?.(AbortSignal.timeout(1_000)));
  return { controller, source };
}

const done = { done: true } as const;

test("nothing is reconciled before everything that exists is known, and then changes go before the initial list", async () => {
  const keys: string[] = [];
  const { source, controller } = await start(
    async (key) => {
      keys.push(key);
      return done;
    },
    { initial: ["a", "b"], workersMax: 1 },
  );
  source.offer("changed");
  await new Promise((resolve) => setImmediate(resolve));
  expect(keys).toEqual([]);
  source.sync();
  await controller.ready;
  await eventually(() => expect(keys).toEqual(["changed", "a", "b"]));
});

test("one key is reconciled by one worker at a time, others beside it", async () => {
  let active = 0;
  let peak = 0;
  const perKey = new Map<string, number>();
  const together = gathering(3);
  const { source } = await start(
    async (key) => {
      perKey.set(key, (perKey.get(key) ?? 0) + 1);
      expect(perKey.get(key)).toBe(1);
      peak = Math.max(peak, ++active);
      await together();
      await new Promise((resolve) => setImmediate(resolve));
      source.offer(key === "a" && total++ < 20 ? "a" : "b");
      active--;
      perKey.set(key, 0);
      return done;
    },
    { workersMax: 3 },
  );
  let total = 0;
  source.sync();
  for (const key of ["a", "b", "c", "d", "e"]) source.offer(key);
  await eventually(() => expect(total).toBeGreaterThanOrEqual(20));
  expect(peak).toBe(3);
});

test("a failure is tried again, a terminal one is not until something changes", async () => {
  const attempts = { flaky: 0, doomed: 0 };
  const { source, controller } = await start(async (key) => {
    if (key === "flaky" && ++attempts.flaky < 4) throw new Fault({ code: "unavailable", reason: "X", message: "x" });
    if (key === "doomed") {
      attempts.doomed++;
      throw new TerminalFault("the spec is impossible");
    }
    return done;
  });
  source.sync();
  source.offer("flaky");
  source.offer("doomed");
  await eventually(() => expect(attempts).toEqual({ flaky: 4, doomed: 1 }));
  await eventually(() => expect(controller.backlog()).toBe(0));
  source.offer("doomed");
  await eventually(() => expect(attempts.doomed).toBe(2));
});

test("a reconcile may ask to come again", async () => {
  let rounds = 0;
  const { source, controller } = await start(async () =>
    ++rounds < 3 ? { requeueAfterMs: 5, why: "rollout goes on" } : done,
  );
  source.sync();
  source.offer("a");
  await eventually(() => expect(rounds).toBe(3));
  await eventually(() => expect(controller.backlog()).toBe(0));
});

test("a reconcile that takes too long is told, and its key stays its own until it returns", async () => {
  const told = Promise.withResolvers<unknown>();
  const { source } = await start(
    (_, signal) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => {
          told.resolve(signal.reason);
          reject(signal.reason);
        }),
      ),
    { reconcileTimeoutMs: 20 },
  );
  source.sync();
  source.offer("a");
  expect(await told.promise).toMatchObject({ reason: "RECONCILE_TIMEOUT" });
});

test("stopping tells reconciles in hand, waits for them and takes no more", async () => {
  const events: string[] = [];
  const begun = Promise.withResolvers<void>();
  const { source, controller } = await start(
    async (key, signal) => {
      events.push(`begin ${key}`);
      begun.resolve();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      await new Promise((resolve) => setImmediate(resolve));
      events.push(`end ${key}`);
      return done;
    },
    { workersMax: 1 },
  );
  source.sync();
  source.offer("a");
  source.offer("b");
  await begun.promise;
  await controller.stop?.(AbortSignal.timeout(1_000));
  expect(events).toEqual(["begin a", "end a"]);
});

test("what was taken as it stops is not begun: its signal would have aborted before anybody listened", async () => {
  const begun: string[] = [];
  const { source, controller } = await start(async (key) => {
    begun.push(key);
    return done;
  });
  source.sync();
  source.offer("a");
  await eventually(() => expect(begun).toEqual(["a"]));
  await eventually(() => expect(controller.backlog()).toBe(0));
  source.offer("b");
  await controller.stop?.(AbortSignal.timeout(1_000));
  expect(begun).toEqual(["a"]);
});

test("what a full queue refused is looked at once there is room", async () => {
  const seen = new Set<string>();
  const initial = Array.from({ length: 50 }, (_, i) => `key-${i}`);
  const { source } = await start(
    async (key) => {
      seen.add(key);
      return done;
    },
    { initial, queue: { keysMax: 4 }, workersMax: 2 },
  );
  source.sync();
  await eventually(() => expect([...seen].sort()).toEqual(initial.toSorted()));
});

test("a resync looks at everything again", async () => {
  const counts = new Map<string, number>();
  const { source } = await start(
    async (key) => {
      counts.set(key, (counts.get(key) ?? 0) + 1);
      return done;
    },
    { initial: ["a", "b"], resyncMs: 10 },
  );
  source.sync();
  await eventually(() => expect(Math.min(counts.get("a") ?? 0, counts.get("b") ?? 0)).toBeGreaterThan(2));
});

test("a long queue of work that waits for nothing leaves the process its turns", async () => {
  const initial = Array.from({ length: 20 }, (_, i) => `key-${i}`);
  let turns = 0;
  let left = initial.length;
  const { source } = await start(
    async () => {
      // Longer than a slice, and never at rest.
      for (const begin = performance.now(); performance.now() - begin < 12; ) turns += 0;
      left--;
      return done;
    },
    { initial },
  );
  const count = (): void => {
    turns++;
    if (left > 0) setImmediate(count);
  };
  setImmediate(count);
  source.sync();
  await eventually(() => expect(left).toBe(0));
  expect(turns).toBeGreaterThan(5);
});

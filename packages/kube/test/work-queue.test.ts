import { createFakeClock, createSeededRandom, type FakeClock } from "@plinth/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createWorkQueue, type WorkItem, type WorkQueue, type WorkQueueOptions } from "../src/work-queue.ts";

function start(options: Partial<WorkQueueOptions> = {}): { queue: WorkQueue; clock: FakeClock } {
  const clock = createFakeClock();
  const queue = createWorkQueue({ name: "test", clock, random: createSeededRandom(1), ...options });
  return { queue, clock };
}

/** What `next` gives without waiting. */
async function takeNow(queue: WorkQueue): Promise<WorkItem | undefined> {
  const nothing = new Promise<undefined>((resolve) => setImmediate(resolve, undefined));
  return Promise.race([queue.next(), nothing]);
}

test("a key that waits is not queued twice", async () => {
  const { queue } = start();
  queue.add("a");
  queue.add("a");
  queue.add("b");
  expect(queue.size).toBe(2);
  expect((await queue.next())?.key).toBe("a");
  expect((await queue.next())?.key).toBe("b");
  expect(await takeNow(queue)).toBeUndefined();
});

test("a key in hand is not handed out again until it is done, and then once", async () => {
  const { queue } = start();
  queue.add("a");
  const first = await queue.next();
  queue.add("a");
  queue.add("a");
  const waiting = queue.next();
  expect(await Promise.race([waiting, new Promise((resolve) => setImmediate(resolve, "nothing"))])).toBe("nothing");
  first?.done();
  (await waiting)?.done();
  expect(await takeNow(queue)).toBeUndefined();
});

test("a higher priority goes first, and a key that waits can rise but not sink", async () => {
  const { queue } = start();
  queue.add("resync", { priority: "background" });
  queue.add("raised", { priority: "background" });
  queue.add("changed");
  queue.add("raised", { priority: "urgent" });
  queue.add("raised", { priority: "background" });
  const order = [await queue.next(), await queue.next(), await queue.next()].map((item) => item?.key);
  expect(order).toEqual(["raised", "changed", "resync"]);
});

test("a delayed key comes when its time has come, and at once when it is added without delay", async () => {
  const { queue, clock } = start();
  queue.add("late", { afterMs: 1_000 });
  queue.add("later", { afterMs: 5_000 });
  const next = queue.next();
  clock.advance(999);
  expect(await Promise.race([next, new Promise((resolve) => setImmediate(resolve, "nothing"))])).toBe("nothing");
  clock.advance(1);
  const late = await next;
  expect(late?.key).toBe("late");
  queue.add("later");
  expect((await queue.next())?.key).toBe("later");
  clock.advance(10_000);
  expect(await takeNow(queue)).toBeUndefined();
});

test("a key that is delayed again keeps the earlier time", async () => {
  const { queue, clock } = start();
  queue.add("a", { afterMs: 5_000 });
  queue.add("a", { afterMs: 1_000 });
  queue.add("a", { afterMs: 9_000 });
  clock.advance(1_000);
  expect((await queue.next())?.key).toBe("a");
});

test("a time that an earlier turn left behind does not bring a key too soon", async () => {
  const { queue, clock } = start();
  queue.add("a", { afterMs: 1_000 });
  queue.add("a");
  (await queue.next())?.done();
  queue.add("a", { afterMs: 5_000 });
  clock.advance(1_000);
  expect(await takeNow(queue)).toBeUndefined();
});

test("a key that becomes due while it is in hand comes after it is done", async () => {
  const { queue, clock } = start();
  queue.add("a");
  const first = await queue.next();
  queue.add("a", { afterMs: 100 });
  clock.advance(100);
  await new Promise((resolve) => setImmediate(resolve));
  const second = queue.next();
  first?.done();
  expect((await second)?.key).toBe("a");
});

test("retries of a key wait longer each time up to a limit, and start over when it did well", () => {
  const { queue } = start({ retryInitialMs: 10, retryMaxMs: 1_000 });
  const delays = Array.from({ length: 12 }, () => queue.retry("a"));
  for (const [attempt, delayMs] of delays.entries()) {
    const ceilingMs = Math.min(1_000, 10 * 2 ** attempt);
    expect(delayMs).toBeGreaterThanOrEqual(ceilingMs / 2);
    expect(delayMs).toBeLessThanOrEqual(ceilingMs);
  }
  expect(queue.failures("a")).toBe(12);
  queue.forget("a");
  expect(queue.retry("a")).toBeLessThanOrEqual(10);
});

test("retries of all keys together are limited in rate", () => {
  const { queue } = start({ retryInitialMs: 1, retriesPerSecond: 10, retriesBurst: 5 });
  const delays = Array.from({ length: 25 }, (_, i) => queue.retry(`key-${i}`));
  expect(Math.max(...delays.slice(0, 5))).toBeLessThanOrEqual(1);
  expect(delays.at(-1)).toBeCloseTo(2_000, 0);
});

test("a full queue refuses new keys and still takes those that wait", () => {
  const { queue } = start({ keysMax: 2 });
  expect([queue.add("a"), queue.add("b"), queue.add("c"), queue.add("a")]).toEqual([true, true, false, true]);
});

test("stopping takes no more keys, wakes those who wait, and lasts until work in hand is done", async () => {
  const { queue } = start();
  queue.add("a");
  const item = await queue.next();
  const waiting = queue.next();
  let stopped = false;
  const stop = queue.stop().then(() => {
    stopped = true;
  });
  expect(await waiting).toBeUndefined();
  expect(queue.add("b")).toBe(false);
  await new Promise((resolve) => setImmediate(resolve));
  expect(stopped).toBe(false);
  item?.done();
  await stop;
  expect(await queue.next()).toBeUndefined();
});

test("keys that are delayed and taken early over and over leave nothing behind and still come when due", async () => {
  const { queue, clock } = start();
  for (let round = 0; round < 5_000; round++) {
    queue.add("a", { afterMs: 36_000_000 });
    queue.add("a");
    (await queue.next())?.done();
  }
  queue.add("a", { afterMs: 1_000 });
  clock.advance(1_000);
  expect((await queue.next())?.key).toBe("a");
});

/** What must still come: keys and the times before which they must not. */
type Owed = Map<string, number>;

/** Two workers who finish when told to, and who notice what must not happen. */
function startWorkers(queue: WorkQueue, owed: Owed, clock: FakeClock): { finishOne(): void; inHand(): number } {
  const inHand: { key: string; finish: () => void }[] = [];
  const work = async (): Promise<void> => {
    for (let item = await queue.next(); item; item = await queue.next()) {
      const { key, done } = item;
      expect(inHand.map((each) => each.key)).not.toContain(key);
      expect(owed.get(key)).toBeLessThanOrEqual(clock.monotonicMs());
      owed.delete(key);
      await new Promise<void>((finish) => inHand.push({ key, finish }));
      done();
    }
  };
  void work();
  void work();
  return { finishOne: () => inHand.shift()?.finish(), inHand: () => inHand.length };
}

test("delayed keys come in the order in which they are due", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 60 }), async (delays) => {
      const { queue, clock } = start();
      const came: number[] = [];
      const work = (async () => {
        for (let item = await queue.next(); item; item = await queue.next()) {
          came.push(Number(item.key.split(" ")[1]));
          item.done();
        }
      })();
      for (const [i, afterMs] of delays.entries()) queue.add(`${i} ${afterMs}`, { afterMs });
      for (let passedMs = 0; passedMs < 400; passedMs += 50) {
        clock.advance(50);
        await breathe();
        expect(came).toHaveLength(delays.filter((afterMs) => afterMs <= passedMs + 50).length);
      }
      expect(came).toEqual(delays.toSorted((x, y) => x - y));
      await queue.stop();
      await work;
    }),
    { numRuns: 50 },
  );
});

const step = fc.oneof(
  fc.record({
    do: fc.constant("add" as const),
    key: fc.constantFrom("a", "b", "c", "d"),
    afterMs: fc.constantFrom(0, 5, 50),
    priority: fc.constantFrom("urgent" as const, "normal" as const, "background" as const),
  }),
  fc.record({ do: fc.constant("finish" as const) }),
  fc.record({ do: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 60 }) }),
);
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("whatever is added in whatever order, every key comes after its last addition and never twice at once", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { queue, clock } = start();
      const owed: Owed = new Map();
      const workers = startWorkers(queue, owed, clock);
      for (const each of steps) {
        if (each.do === "add") {
          const dueMs = clock.monotonicMs() + each.afterMs;
          owed.set(each.key, Math.min(dueMs, owed.get(each.key) ?? dueMs));
          queue.add(each.key, each);
        }
        if (each.do === "finish") workers.finishOne();
        if (each.do === "advance") clock.advance(each.ms);
        await breathe();
      }
      // More than there can be work: every key once in hand and once waiting.
      for (let round = 0; round < 10; round++) {
        clock.advance(100);
        await breathe();
        while (workers.inHand() > 0) workers.finishOne();
        await breathe();
      }
      expect([...owed.keys()]).toEqual([]);
      expect(queue.size).toBe(0);
      await queue.stop();
    }),
    { numRuns: 150 },
  );
});

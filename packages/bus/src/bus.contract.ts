import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Fault, systemRandom } from "@plinth/kernel";
import { eventually as eventuallyWithin } from "@plinth/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BusMessage, EventBus, SubscribeOptions } from "./bus.ts";
import type { ConsumerGroups } from "./consumer-groups.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { togetherContract } from "./together.contract.ts";

export interface BusFixture {
  /** A started bus on the same storage; the suite calls it for several instances. */
  connect(): Promise<EventBus>;
  deadLetters: DeadLetters;
  groups: ConsumerGroups;
  close(): Promise<void>;
}

/** Memory of this process outside and inside of the heap, without what nobody refers to any more. */
function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const abort = (): AbortSignal => AbortSignal.timeout(20_000);
/** Groups take their time to form on a busy machine, and a Kafka client that says nothing is replaced after a minute only. */
const patienceMs = 100_000;
const eventually = <T>(probe: () => T | Promise<T>): Promise<T> => eventuallyWithin(probe, patienceMs);

/** The duties of an EventBus, run against every driver. */
export function busContract(driver: string, open: () => Promise<BusFixture>): void {
  describe(`event bus: ${driver}`, { timeout: 240_000 }, () => {
    let fixture: BusFixture;
    let bus: EventBus;
    let stops: (() => Promise<void>)[];
    let counter = 0;

    beforeEach(async () => {
      fixture = await open();
      bus = await fixture.connect();
      stops = [];
    });

    afterEach(async () => {
      for (const stop of stops.toReversed()) await stop();
      await bus.stop?.(abort());
      await fixture.close();
    });

    const message = (topic: string, key: string, text: string): BusMessage => ({
      id: systemRandom.uuidv7(Date.now()),
      source: "shop",
      type: "shop.v1.Sold",
      subject: `items/${key}`,
      time: new Date(1_700_000_000_000 + counter++),
      topic,
      key,
      data: new TextEncoder().encode(text),
      actor: "user:1",
      requestId: "r-1",
      traceparent: undefined,
    });

    async function collect(
      options: Partial<SubscribeOptions> & { group: string; topics: string[] },
      on: EventBus = bus,
    ) {
      const seen: string[] = [];
      const consumer = on.subscribe({
        handle: async (m) => {
          seen.push(new TextDecoder().decode(m.data));
        },
        ...options,
      });
      await consumer.start?.();
      const stop = async () => consumer.stop?.(abort());
      stops.push(stop);
      return { seen, stop };
    }

    test("delivers every attribute unchanged", async () => {
      const sent = {
        ...message("t.one", "k", "payload"),
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ...{ clientAddress: "2001:db8::7", via: "notes", sequence: 9_007_199_254_740_993n },
      };
      await bus.publish([sent]);
      const got: BusMessage[] = [];
      await collect({ group: "g", topics: ["t.one"], handle: async (m) => void got.push(m) });
      await eventually(() => expect(got).toHaveLength(1));
      expect({ ...got[0], data: [...(got[0]?.data ?? [])] }).toEqual({ ...sent, data: [...sent.data] });
    });

    test("what an event does not say is undefined", async () => {
      const sent = message("t.bare", "k", "payload");
      await bus.publish([sent]);
      const got: BusMessage[] = [];
      await collect({ group: "g", topics: ["t.bare"], handle: async (m) => void got.push(m) });
      await eventually(() => expect(got).toHaveLength(1));
      const { traceparent, clientAddress, via, sequence } = got[0] as BusMessage;
      expect([traceparent, clientAddress, via, sequence]).toEqual([undefined, undefined, undefined, undefined]);
    });

    test("keeps the order of each key", async () => {
      const keys = ["a", "b", "c", "d", "e"];
      for (let i = 0; i < 40; i++) await bus.publish(keys.map((key) => message("t.order", key, `${key}${i}`)));
      const { seen } = await collect({ group: "g", topics: ["t.order"] });
      await eventually(() => expect(seen).toHaveLength(200));
      for (const key of keys) {
        expect(seen.filter((s) => s.startsWith(key))).toEqual(Array.from({ length: 40 }, (_, i) => `${key}${i}`));
      }
    });

    test("every group gets everything, also what was published before it came", async () => {
      await bus.publish([message("t.groups", "k", "early")]);
      const one = await collect({ group: "one", topics: ["t.groups"] });
      await eventually(() => expect(one.seen).toEqual(["early"]));
      await bus.publish([message("t.groups", "k", "late")]);
      const two = await collect({ group: "two", topics: ["t.groups"] });
      await eventually(() =>
        expect([one.seen, two.seen]).toEqual([
          ["early", "late"],
          ["early", "late"],
        ]),
      );
    });

    test("instances of a group share the messages and take over from one that stops", async () => {
      const other = await fixture.connect();
      const first = await collect({ group: "g", topics: ["t.share"] });
      const second = await collect({ group: "g", topics: ["t.share"] }, other);
      await bus.publish(Array.from({ length: 20 }, (_, i) => message("t.share", `k${i}`, `m${i}`)));
      await eventually(() => expect(new Set([...first.seen, ...second.seen]).size).toBe(20));
      expect(first.seen.length + second.seen.length).toBe(20);
      await first.stop();
      await bus.publish(Array.from({ length: 20 }, (_, i) => message("t.share", `k${i}`, `n${i}`)));
      await eventually(() => expect(second.seen.filter((s) => s.startsWith("n"))).toHaveLength(20));
      await second.stop();
      await other.stop?.(abort());
    });

    test("a group that asks for every topic gets those that come later, too", async () => {
      await bus.publish([message("t.first", "k", "1")]);
      const { seen } = await collect({ group: "g", topics: ["*"] });
      await eventually(() => expect(seen).toEqual(["1"]));
      await bus.publish([message("t.second", "k", "2")]);
      await eventually(() => expect(seen).toEqual(["1", "2"]));
    });

    test("keeps the order of each key while instances come and go, one handler per key at a time", async () => {
      const keys = Array.from({ length: 8 }, (_, i) => `k${i}`);
      const rounds = 30;
      for (let i = 0; i < rounds; i++) await bus.publish(keys.map((key) => message("t.move", key, `${key}:${i}`)));
      const seen: string[] = [];
      const active = new Set<string>();
      const clashes: string[] = [];
      const handle = async ({ key, data }: BusMessage) => {
        if (active.has(key)) clashes.push(key);
        active.add(key);
        // Gives the others a turn, as a handler does that asks a database.
        await new Promise((resolve) => setImmediate(resolve));
        active.delete(key);
        const text = new TextDecoder().decode(data);
        if (!seen.includes(text)) seen.push(text);
      };
      const buses = [bus, await fixture.connect(), await fixture.connect()];
      const members: { stop: () => Promise<void> }[] = [];
      for (const [i, on] of buses.entries()) {
        members.push(await collect({ group: "g", topics: ["t.move"], handle }, on));
        await eventually(() => expect(seen.length).toBeGreaterThanOrEqual((i + 1) * 20));
        if (i > 0) await members[i - 1]?.stop();
      }
      for (let i = rounds; i < rounds + 5; i++)
        await bus.publish(keys.map((key) => message("t.move", key, `${key}:${i}`)));
      await eventually(() => expect(seen).toHaveLength(keys.length * (rounds + 5)));
      for (const key of keys) {
        const ofKey = seen.filter((text) => text.startsWith(`${key}:`));
        expect(ofKey).toEqual(Array.from({ length: rounds + 5 }, (_, i) => `${key}:${i}`));
      }
      expect(clashes).toEqual([]);
      for (const member of members) await member.stop();
      for (const on of buses.slice(1)) await on.stop?.(abort());
    });

    test("resumes after a restart where it left off", async () => {
      await bus.publish([message("t.resume", "k", "1")]);
      const before = await collect({ group: "g", topics: ["t.resume"] });
      await eventually(() => expect(before.seen).toEqual(["1"]));
      await before.stop();
      await bus.publish([message("t.resume", "k", "2")]);
      const after = await collect({ group: "g", topics: ["t.resume"] });
      await eventually(() => expect(after.seen).toEqual(["2"]));
    });

    test("a failing message holds up its own partition only", async () => {
      const stuck = message("t.stuck", "stuck", "stuck");
      await bus.publish([stuck]);
      const seen: string[] = [];
      let free = false;
      await collect({
        group: "g",
        topics: ["t.stuck"],
        handle: async (m) => {
          if (m.id === stuck.id && !free) throw new Fault({ code: "unavailable", reason: "TEST", message: "away" });
          seen.push(m.key);
        },
      });
      const keys = Array.from({ length: 24 }, (_, i) => `k${i}`);
      await bus.publish(keys.map((key) => message("t.stuck", key, key)));
      // Four partitions: about three quarters of the keys are elsewhere.
      await eventually(() => expect(seen.length).toBeGreaterThan(8));
      expect(seen).not.toContain("stuck");
      free = true;
      await eventually(() => expect(new Set(seen)).toEqual(new Set(["stuck", ...keys])));
    });

    test("a poison message goes to the dead letters and the next ones are handled", async () => {
      const poison = message("t.poison", "k", "poison");
      await bus.publish([poison, message("t.poison", "k", "fine")]);
      const seen: string[] = [];
      await collect({
        group: "g",
        topics: ["t.poison"],
        attemptsMax: 2,
        handle: async (m) => {
          if (m.id === poison.id) throw new Error("cannot read it");
          seen.push(new TextDecoder().decode(m.data));
        },
      });
      await eventually(() => expect(seen).toEqual(["fine"]));
      const [letter, ...more] = await fixture.deadLetters.list({ group: "g" });
      expect(more).toEqual([]);
      expect(letter).toMatchObject({ group: "g", error: "cannot read it", attempts: 2 });
      expect({ ...letter?.message, data: [...(letter?.message.data ?? [])] }).toEqual({
        ...poison,
        data: [...poison.data],
      });
    });

    test("a dead letter that is handed back comes to its own group only, under its own topic", async () => {
      const poison = { ...message("t.replay", "k", "poison"), clientAddress: "192.0.2.7", via: "notes", sequence: 7n };
      let broken = true;
      const got: BusMessage[] = [];
      const other = await collect({ group: "other", topics: ["t.replay"] });
      await collect({
        group: "g",
        topics: ["t.replay"],
        attemptsMax: 1,
        handle: async (m) => {
          if (broken) throw new Error("not yet");
          got.push(m);
        },
      });
      await bus.publish([poison]);
      await eventually(async () => expect(await fixture.deadLetters.list({})).toHaveLength(1));
      expect(await fixture.deadLetters.replay({ group: "g", topic: "another" })).toBe(0);
      // Handed back too early it is a dead letter again.
      expect(await fixture.deadLetters.replay({ group: "g" })).toBe(1);
      await eventually(async () => expect(await fixture.deadLetters.list({ id: poison.id })).toHaveLength(1));
      broken = false;
      expect(await fixture.deadLetters.replay({ topic: "t.replay", id: poison.id })).toBe(1);
      await eventually(() =>
        expect(got.map(({ data, ...rest }) => ({ ...rest, data: [...data] }))).toEqual([
          { ...poison, data: [...poison.data] },
        ]),
      );
      await eventually(async () => expect(await fixture.deadLetters.list({})).toEqual([]));
      await eventually(() => expect(other.seen).toEqual(["poison"]));
    });

    test("what waits for a group is known while nobody of it runs", async () => {
      const lagOf = async (group: string) =>
        (await fixture.groups.list())
          .filter((lag) => lag.group === group && lag.topic === "t.lag")
          .map(({ waiting, members }) => ({ waiting, members }));
      await bus.publish(Array.from({ length: 8 }, (_, i) => message("t.lag", `k${i}`, "early")));
      const worker = await collect({ group: "worker", topics: ["t.lag"] });
      await collect({ group: "other", topics: ["t.lag"] });
      await eventually(async () => expect(await lagOf("worker")).toEqual([{ waiting: 0, members: 1 }]));
      await worker.stop();
      await bus.publish(Array.from({ length: 20 }, (_, i) => message("t.lag", `k${i}`, "late")));
      await eventually(async () => {
        expect(await lagOf("worker")).toEqual([{ waiting: 20, members: 0 }]);
        expect(await lagOf("other")).toEqual([{ waiting: 0, members: 1 }]);
      });
    });

    test("a slow handler keeps what is in hand small, however much waits", async () => {
      const before = heldBytes();
      const publishMany = async (count: number) => {
        for (let i = 0; i < count; i += 20) {
          const part = Array.from({ length: 20 }, (_, n) => message("t.slow", `k${i + n}`, "x".repeat(200_000)));
          await bus.publish(part);
        }
      };
      await publishMany(160);
      let [active, most, handled] = [0, 0, 0];
      const gate = Promise.withResolvers<void>();
      await collect({
        group: "g",
        topics: ["t.slow"],
        handle: async () => {
          most = Math.max(most, ++active);
          await gate.promise;
          active--;
          handled++;
        },
      });
      await eventually(() => expect(active).toBe(4));
      // Time enough to read on, if it did.
      await publishMany(80);
      // Half of what waited when it began to read. What nobody refers to any more may go a little later.
      await eventually(() => expect(heldBytes() - before).toBeLessThan(16_000_000));
      gate.resolve();
      await eventually(() => expect(handled).toBe(240));
      expect(most).toBe(4);
    });

    test("waits for a dependency that is away instead of giving the message up", async () => {
      await bus.publish([message("t.away", "k", "x")]);
      let tries = 0;
      await collect({
        group: "g",
        topics: ["t.away"],
        attemptsMax: 1,
        handle: async () => {
          if (++tries < 3) throw new Fault({ code: "unavailable", reason: "TEST", message: "away" });
        },
      });
      await eventually(() => expect(tries).toBe(3));
      expect(await fixture.deadLetters.list({ group: "g" })).toEqual([]);
    });

    togetherContract({ message, collect, eventually, bus: () => bus, deadLetters: () => fixture.deadLetters });
  });
}

import { Fault, systemRandom } from "@plinth/kernel";
import { eventually } from "@plinth/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BusMessage, EventBus, SubscribeOptions } from "./bus.ts";

export interface BusFixture {
  /** A started bus on the same storage; the suite calls it for several instances. */
  connect(): Promise<EventBus>;
  /** Ids of the dead letters of a group. */
  deadLetters(group: string): Promise<string[]>;
  close(): Promise<void>;
}

const abort = (): AbortSignal => AbortSignal.timeout(10_000);

/** The duties of an EventBus, run against every driver. */
export function busContract(driver: string, open: () => Promise<BusFixture>): void {
  describe(`event bus: ${driver}`, () => {
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
      };
      await bus.publish([sent]);
      const got: BusMessage[] = [];
      await collect({ group: "g", topics: ["t.one"], handle: async (m) => void got.push(m) });
      await eventually(() => expect(got).toHaveLength(1));
      expect({ ...got[0], data: [...(got[0]?.data ?? [])] }).toEqual({ ...sent, data: [...sent.data] });
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

    test("resumes after a restart where it left off", async () => {
      await bus.publish([message("t.resume", "k", "1")]);
      const before = await collect({ group: "g", topics: ["t.resume"] });
      await eventually(() => expect(before.seen).toEqual(["1"]));
      await before.stop();
      await bus.publish([message("t.resume", "k", "2")]);
      const after = await collect({ group: "g", topics: ["t.resume"] });
      await eventually(() => expect(after.seen).toEqual(["2"]));
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
      expect(await fixture.deadLetters("g")).toEqual([poison.id]);
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
      expect(await fixture.deadLetters("g")).toEqual([]);
    });
  });
}

import { Fault } from "@plinth/kernel";
import { describe, expect, test } from "vitest";
import type { BusMessage, EventBus, SubscribeOptions } from "./bus.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { togetherMax, togetherMaxBytes } from "./handle-together.ts";

/** The fixture of bus.contract.ts. */
export interface TogetherFixture {
  bus(): EventBus;
  deadLetters(): DeadLetters;
  message(topic: string, key: string, text: string): BusMessage;
  collect(
    options: Partial<SubscribeOptions> & { group: string; topics: string[] },
  ): Promise<{ stop: () => Promise<void> }>;
  eventually<T>(probe: () => T | Promise<T>): Promise<T>;
}

const textOf = ({ data }: BusMessage) => new TextDecoder().decode(data);

/** The duties of a driver towards `handleTogether`. */
export function togetherContract({ bus, deadLetters, message, collect, eventually }: TogetherFixture): void {
  describe("messages that are handled together", () => {
    /** What the handlers saw: arrays of texts. */
    const recorder = () => {
      const calls: string[][] = [];
      const handle = async (m: BusMessage) => void calls.push([textOf(m)]);
      const handleTogether = async (all: readonly BusMessage[]) => void calls.push(all.map(textOf));
      return { calls, handle, handleTogether };
    };
    const numbered = (topic: string, key: string, count: number, from = 0) =>
      Array.from({ length: count }, (_, n) => message(topic, key, String(from + n)));
    const numbers = (count: number) => Array.from({ length: count }, (_, n) => String(n));

    test("come in order, each once, within the limits", async () => {
      const count = togetherMax + 200;
      await bus().publish(numbered("t.many", "k", count));
      const { calls, ...handlers } = recorder();
      await collect({ group: "g", topics: ["t.many"], ...handlers });
      await eventually(() => expect(calls.flat()).toHaveLength(count));
      await bus().publish(numbered("t.many", "k", 1, count));
      await eventually(() => expect(calls.flat()).toEqual(numbers(count + 1)));
      expect(calls.length).toBeLessThan(count / 10);
      expect(Math.max(...calls.map((call) => call.length))).toBeLessThanOrEqual(togetherMax);
    });

    test("are fewer when they are large", async () => {
      const large = "x".repeat(200 * 1024);
      for (let n = 0; n < 3; n++) await bus().publish(Array.from({ length: 5 }, () => message("t.large", "k", large)));
      const { calls, ...handlers } = recorder();
      await collect({ group: "g", topics: ["t.large"], ...handlers });
      await eventually(() => expect(calls.flat()).toHaveLength(15));
      const withoutLast = calls.map((call) => call.slice(0, -1).reduce((sum, text) => sum + text.length, 0));
      expect(Math.max(...withoutLast)).toBeLessThan(togetherMaxBytes);
    });

    test("are tried one by one when that fails: poison in the middle takes nothing along", async () => {
      const sent = numbered("t.amid", "k", 30);
      const poison = sent[14] as BusMessage;
      await bus().publish(sent);
      const seen: string[] = [];
      const arrays: number[] = [];
      await collect({
        group: "g",
        topics: ["t.amid"],
        attemptsMax: 2,
        handle: async (m) => {
          if (m.id === poison.id) throw new Error("cannot read it");
          seen.push(textOf(m));
        },
        handleTogether: async (all) => {
          if (all.some(({ id }) => id === poison.id)) throw new Error("cannot read one of them");
          arrays.push(all.length);
          seen.push(...all.map(textOf));
        },
      });
      const others = numbers(30).filter((text) => text !== "14");
      await eventually(() => expect(seen).toEqual(others));
      const letters = await deadLetters().list({ group: "g" });
      expect(letters).toMatchObject([{ message: { id: poison.id }, error: "cannot read it", attempts: 2 }]);
      // Afterwards they go together again.
      const before = arrays.length;
      await bus().publish(numbered("t.amid", "k", 20, 30));
      await eventually(() => expect(seen).toEqual([...others, ...numbers(50).slice(30)]));
      expect(arrays.length).toBeGreaterThan(before);
    });

    test("wait for a dependency that is away, and none becomes a dead letter", async () => {
      await bus().publish(numbered("t.gone", "k", 10));
      const seen: string[] = [];
      let refusals = 0;
      const perhaps = async (all: readonly BusMessage[]) => {
        if (refusals++ < 3) throw new Fault({ code: "unavailable", reason: "TEST", message: "away" });
        seen.push(...all.map(textOf));
      };
      const handlers = { handle: (m: BusMessage) => perhaps([m]), handleTogether: perhaps };
      await collect({ group: "g", topics: ["t.gone"], attemptsMax: 1, ...handlers });
      await eventually(() => expect(seen).toEqual(numbers(10)));
      expect(await deadLetters().list({ group: "g" })).toEqual([]);
    });

    test("come again, in order, when their consumer stops with them in hand", async () => {
      const sent = numbered("t.cut", "k", 1_200);
      await bus().publish(sent);
      const done: string[] = [];
      let calls = 0;
      const first = await collect({
        group: "g",
        topics: ["t.cut"],
        handle: async () => expect.unreachable(),
        handleTogether: async (all, signal) => {
          if (++calls > 1) {
            // In hand, with no effect, until told to stop.
            await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
          }
          done.push(...all.map(textOf));
        },
      });
      await eventually(() => expect(calls).toBe(2));
      await first.stop();
      const handled = done.length;
      expect(handled).toBeGreaterThan(1);
      const { calls: later, ...handlers } = recorder();
      await collect({ group: "g", topics: ["t.cut"], ...handlers });
      await eventually(() => expect(later.flat()).toEqual(numbers(1_200).slice(handled)));
    });

    test("may be there twice: what was published twice is in the array twice", async () => {
      const [one, two] = numbered("t.twice", "k", 2) as [BusMessage, BusMessage];
      await bus().publish([one, two, one]);
      const { calls, ...handlers } = recorder();
      await collect({ group: "g", topics: ["t.twice"], ...handlers });
      await eventually(() => expect(calls.flat()).toEqual(["0", "1", "0"]));
    });
  });
}

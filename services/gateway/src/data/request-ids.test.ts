import { createFakeClock, createSeededRandom } from "@plinth/testing";
import { expect, test } from "vitest";
import { RandomHex } from "./random-hex.ts";
import { RequestIds } from "./request-ids.ts";

test("ids are UUIDs of version 7 that carry their time and never repeat", () => {
  const clock = createFakeClock(1_645_557_742_000);
  const ids = new RequestIds(clock, new RandomHex(createSeededRandom(1)));
  const made = Array.from({ length: 2_000 }, () => ids.next());
  for (const id of made) expect(id).toMatch(/^017f22e2-79b0-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(new Set(made).size).toBe(made.length);
  expect(new Set(made.map((id) => id[19])).size).toBe(4);
  clock.advance(1);
  expect(ids.next().slice(0, 13)).toBe("017f22e2-79b1");
});

import { expect, test } from "vitest";
import { subsetFrom, subsetOf } from "../src/subset.ts";

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `instance-${i}`);
const same = (name: string): string => name;

test("small sets are used whole", () => {
  const few = names(subsetFrom - 1);
  expect(subsetOf(few, same, "caller")).toBe(few);
});

test("callers keep to a part each, and all instances are called by about as many", () => {
  const all = names(400);
  const counts = new Map<string, number>();
  for (let caller = 0; caller < 200; caller++) {
    const chosen = subsetOf(all, same, `caller-${caller}`);
    expect(chosen).toHaveLength(50);
    for (const name of chosen) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  // 25 on average.
  const called = all.map((name) => counts.get(name) ?? 0);
  expect(Math.min(...called)).toBeGreaterThan(5);
  expect(Math.max(...called)).toBeLessThan(55);
});

test("one that goes changes one in each caller's part, at most", () => {
  const all = names(200);
  const before = subsetOf(all, same, "caller");
  for (const gone of [before[0] as string, "instance-199"]) {
    const after = subsetOf(
      all.filter((name) => name !== gone),
      same,
      "caller",
    );
    expect(after.filter((name) => !before.includes(name)).length).toBeLessThanOrEqual(1);
  }
});

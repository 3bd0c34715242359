import { createSeededRandom } from "@plinth/testing";
import { expect, test } from "vitest";
import { backoffMs, type Random } from "../src/index.ts";

const always = (fraction: number): Random => ({ ...createSeededRandom(1), fraction: () => fraction });
const options = { initialMs: 100, maxMs: 5_000 };

test("the ceiling doubles from attempt to attempt up to the maximum", () => {
  const ceilings = [1, 2, 3, 4, 5, 6, 7, 8].map((attempt) => backoffMs(attempt, options, always(1)));
  expect(ceilings).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
});

test("another factor is possible", () => {
  expect(backoffMs(3, { ...options, factor: 3 }, always(1))).toBe(900);
});

test("jitter spreads the delay from a tenth of the ceiling", () => {
  expect(backoffMs(1, options, always(0))).toBeCloseTo(10);
  const random = createSeededRandom(7);
  const delays = Array.from({ length: 1_000 }, () => backoffMs(2, options, random));
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(20);
  expect(Math.max(...delays)).toBeLessThanOrEqual(200);
  expect(new Set(delays).size).toBeGreaterThan(900);
});

test("after thousands of attempts it is still the maximum", () => {
  expect(backoffMs(100_000, options, always(1))).toBe(5_000);
});

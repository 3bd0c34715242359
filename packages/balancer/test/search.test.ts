import { expect, test } from "vitest";
import { Search } from "../src/index.ts";

test("goes to those that are left, at once, and no more than ten in a row", () => {
  const search = new Search(0);
  for (let i = 1; i < 10; i++) expect(search.next(true, i)).toBe(0);
  expect(search.next(true, 10)).toBe(50);
});

test("pauses twice when none is left, and gives up", () => {
  const search = new Search(0);
  expect(search.next(false, 0)).toBe(50);
  expect(search.next(true, 50)).toBe(0);
  expect(search.next(false, 51)).toBe(200);
  expect(search.next(false, 251)).toBeUndefined();
});

test("ends after 2.5 s, whoever is left", () => {
  const search = new Search(1_000);
  expect(search.next(true, 3_499)).toBe(0);
  expect(search.next(true, 3_500)).toBeUndefined();
});

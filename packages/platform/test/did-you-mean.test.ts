import { expect, test } from "vitest";
import { didYouMean } from "../src/did-you-mean.ts";

test.each([
  ["replica", "replicas"],
  ["REPLICAS", "replicas"],
  ["dependson", "dependsOn"],
  ["rotue", "route"],
  ["zzz", undefined],
])("%s -> %s", (word, meant) => {
  expect(didYouMean(word, ["replicas", "route", "dependsOn", "paused"])).toBe(meant);
});

import { expect, test } from "vitest";
import { erasureOf } from "./erasure.ts";

const at = (seconds: number): Date => new Date(seconds * 1_000);
const confirmation = (service: string, seconds: number) => ({ service, confirmTime: at(seconds), removed: {} });

test("is pending until every expected service has confirmed", () => {
  const some = erasureOf(["auth", "audit"], [confirmation("audit", 2)]);
  expect(some).toMatchObject({ pending: ["auth"], completeTime: undefined });
  const all = erasureOf(["auth", "audit"], [confirmation("audit", 2), confirmation("auth", 1)]);
  expect(all.pending).toEqual([]);
  expect(all.completeTime).toEqual(at(2));
  expect(all.confirmations.map(({ service }) => service)).toEqual(["auth", "audit"]);
});

test("a service that nobody expected counts for itself and completes nothing", () => {
  const erasure = erasureOf(["auth"], [confirmation("notes.shop", 3)]);
  expect(erasure).toMatchObject({ pending: ["auth"], completeTime: undefined });
  const done = erasureOf(["auth"], [confirmation("auth", 1), confirmation("notes.shop", 3)]);
  expect(done.completeTime).toEqual(at(1));
});

test("with nobody to wait for, nothing ever completes", () => {
  expect(erasureOf([], []).completeTime).toBeUndefined();
});

import { expect, test } from "vitest";
import { createLostInvalidations } from "../src/redis/lost-invalidations.ts";

test("forgets what was done, not what was lost again meanwhile", () => {
  const lost = createLostInvalidations(10);
  lost.add("a");
  lost.add("b");
  const first = lost.take();
  expect(first).toMatchObject({ keys: ["a", "b"], everything: false });
  lost.add("b");
  first.done();
  expect(lost.take().keys).toEqual(["b"]);
  lost.addAll();
  const second = lost.take();
  lost.addAll();
  second.done();
  expect(lost.take()).toMatchObject({ keys: [], everything: true });
  lost.take().done();
  expect(lost.isEmpty()).toBe(true);
});

test("beyond its bound everything is lost", () => {
  const lost = createLostInvalidations(2);
  for (const key of ["a", "b", "c", "a"]) lost.add(key);
  expect(lost.take()).toMatchObject({ keys: ["a", "b"], everything: true });
});

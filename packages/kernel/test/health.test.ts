import { expect, test } from "vitest";
import { createHealth } from "../src/index.ts";

test("a process is ready between its start and its draining", () => {
  const health = createHealth();
  expect(health.problems()).toEqual([{ name: "process", problem: "starting" }]);
  health.setStarted();
  expect(health.problems()).toEqual([]);
  health.setDraining();
  expect(health.problems()).toEqual([{ name: "process", problem: "draining" }]);
});

test("a process that drains does not become ready again", () => {
  const health = createHealth();
  health.setDraining();
  health.setStarted();
  expect(health.problems()).toEqual([{ name: "process", problem: "draining" }]);
});

test("every failing check is named with its reason, and recovers by itself", () => {
  const health = createHealth();
  health.setStarted();
  let problem: string | undefined = "no connection for 3 s";
  health.add("database", () => problem);
  health.add("bus", () => "behind by 10000 messages");
  health.add("fine", () => undefined);
  expect(health.problems()).toEqual([
    { name: "database", problem: "no connection for 3 s" },
    { name: "bus", problem: "behind by 10000 messages" },
  ]);
  problem = undefined;
  expect(health.problems()).toEqual([{ name: "bus", problem: "behind by 10000 messages" }]);
});

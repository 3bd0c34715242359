import { expect, test } from "vitest";
import { type Condition, isTrue, removeCondition, setCondition } from "../src/conditions.ts";
import { judgeKstatus, setKstatus } from "../src/kstatus.ts";

const noonMs = Date.parse("2026-01-01T12:00:00.900Z");
const ready = {
  type: "Ready",
  status: "True",
  reason: "Serving",
  message: "all is well",
  observedGeneration: 1,
} as const;

test("the transition time moves with the status only", () => {
  const first = setCondition(undefined, ready, noonMs);
  expect(first).toEqual([{ ...ready, lastTransitionTime: "2026-01-01T12:00:00Z" }]);
  const reworded = setCondition(first, { ...ready, message: "still well", observedGeneration: 2 }, noonMs + 60_000);
  expect(reworded[0]).toMatchObject({ message: "still well", lastTransitionTime: "2026-01-01T12:00:00Z" });
  const failed = setCondition(reworded, { ...ready, status: "False", reason: "Crashing" }, noonMs + 60_000);
  expect(failed[0]).toMatchObject({ status: "False", lastTransitionTime: "2026-01-01T12:01:00Z" });
});

test("the same condition again gives the same array", () => {
  const first = setCondition([], ready, noonMs);
  expect(setCondition(first, ready, noonMs + 60_000)).toBe(first);
});

test("other conditions stay as they are, unknown fields included", () => {
  const foreign = {
    type: "Foreign",
    status: "True",
    reason: "X",
    message: "",
    lastTransitionTime: "t",
    extra: 1,
  } as const;
  const next = setCondition([foreign], ready, noonMs);
  expect(next[0]).toBe(foreign);
  expect(isTrue(next, "Ready")).toBe(true);
  expect(removeCondition(next, "Ready")).toEqual([foreign]);
  expect(removeCondition(next, "Nothing")).toBe(next);
});

test("a reason that the API server would refuse is refused here", () => {
  expect(() => setCondition([], { ...ready, reason: "not a reason" }, noonMs)).toThrow(
    "cannot be a condition's reason",
  );
});

test("a message is cut at the API's limit", () => {
  expect(setCondition([], { ...ready, message: "x".repeat(40_000) }, noonMs)[0]?.message).toHaveLength(32_768);
});

const judge = (conditions: readonly Condition[], generation = 1): string =>
  judgeKstatus({ metadata: { generation }, status: { observedGeneration: 1, conditions: [...conditions] } });
const serving = { status: "True", reason: "Serving", message: "" } as const;
const waiting = { status: "False", reason: "Starting", message: "" } as const;

test.each([
  ["serving", { ready: serving }, "Current"],
  ["starting", { ready: waiting, reconciling: { reason: "Rollout", message: "1 of 2" } }, "InProgress"],
  [
    "serving the old version while the new one is stuck",
    { ready: serving, stalled: { reason: "X", message: "" } },
    "Failed",
  ],
  ["not ready for an unknown reason", { ready: waiting }, "InProgress"],
] as const)("kstatus reads an object that is %s", (_, state, expected) => {
  expect(judge(setKstatus([], state, 1, noonMs))).toBe(expected);
});

test("a newer spec than was looked at is in progress, and writing the same state changes nothing", () => {
  const conditions = setKstatus([], { ready: serving }, 1, noonMs);
  expect(judge(conditions, 2)).toBe("InProgress");
  expect(setKstatus(conditions, { ready: serving }, 1, noonMs + 1_000)).toBe(conditions);
});

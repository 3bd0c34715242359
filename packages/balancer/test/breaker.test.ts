import { createFakeClock, createSeededRandom } from "@plinth/testing";
import { describe, expect, test } from "vitest";
import { createBreaker } from "../src/breaker.ts";

const open = (inFlightMax?: number) => {
  const clock = createFakeClock();
  const breaker = createBreaker({
    clock,
    random: createSeededRandom(5),
    ...(inFlightMax === undefined ? {} : { inFlightMax }),
  });
  const call = (outcome: "ok" | "failed" | "other"): boolean => {
    const entered = breaker.enter() === "ok";
    if (entered) breaker.leave(outcome);
    return entered;
  };
  const passed = (times: number, outcome: "ok" | "failed" | "other"): number =>
    Array.from({ length: times }, () => call(outcome)).filter(Boolean).length;
  return { clock, breaker, passed };
};

describe("breaker", () => {
  test("lets as many calls in as may be in flight, and more as soon as one has left", () => {
    const { breaker } = open(2);
    expect([breaker.enter(), breaker.enter(), breaker.enter()]).toEqual(["ok", "ok", "full"]);
    breaker.leave("ok");
    expect(breaker.enter()).toBe("ok");
    expect(breaker.inFlight).toBe(2);
  });

  test("spares a service that fails, but asks again and again whether it still does", () => {
    const { passed } = open();
    expect(passed(100, "ok")).toBe(100);
    const during = passed(2_000, "failed");
    expect(during).toBeLessThan(600);
    expect(during).toBeGreaterThan(200);
  });

  test("lets everything through while at least half is accepted", () => {
    const { passed } = open();
    for (let i = 0; i < 200; i++) expect(passed(1, "ok") + passed(1, "failed")).toBe(2);
  });

  test("thinks nothing of calls that have not ended", () => {
    const { breaker } = open();
    const entered = Array.from({ length: 200 }, () => breaker.enter());
    expect(new Set(entered)).toEqual(new Set(["ok"]));
  });

  test("opens wide again once the service works", () => {
    const { clock, passed } = open();
    passed(500, "failed");
    clock.advance(1_000);
    expect(passed(100, "ok")).toBeGreaterThan(70);
    expect(passed(100, "ok")).toBe(100);
  });

  test("judges by nothing before it has seen some calls, nor by what callers did wrong", () => {
    const { passed } = open();
    expect(passed(19, "failed")).toBe(19);
    const other = open();
    expect(other.passed(500, "other")).toBe(500);
  });
});

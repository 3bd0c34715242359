import { createFakeClock } from "@plinth/testing";
import { expect, test } from "vitest";
import { createRetryBudget, type RetryBudget } from "../src/retry-budget.ts";

function drain(budget: RetryBudget): number {
  let retries = 0;
  while (budget.withdraw()) retries++;
  return retries;
}

test("retries are a fifth of the calls and ten a second, saved up for ten seconds", () => {
  const clock = createFakeClock();
  const budget = createRetryBudget(clock);
  expect(drain(budget)).toBe(10);
  for (let call = 0; call < 100; call++) budget.deposit();
  expect(drain(budget)).toBeCloseTo(20, -0.5);
  clock.advance(3_000);
  expect(drain(budget)).toBe(30);
  clock.advance(2_000);
  expect(budget.withdraw(19)).toBe(true);
  expect(budget.withdraw(19)).toBe(false);
  clock.advance(3_600_000);
  for (let call = 0; call < 1_000; call++) budget.deposit();
  expect(drain(budget)).toBe(100);
});

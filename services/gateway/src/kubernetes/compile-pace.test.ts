import { expect, test } from "vitest";
import { createCompilePace } from "./compile-pace.ts";

test("changes now and then wait for nothing, even where each takes long", () => {
  let nowMs = 0;
  const pace = createCompilePace(() => nowMs);
  for (let n = 0; n < 20; n++) {
    expect(pace.waitMs()).toBe(0);
    pace.compiled(300);
    nowMs += 1_800;
  }
});

test("without end, changes get a sixth of the time and no more", () => {
  let nowMs = 0;
  let busyMs = 0;
  const pace = createCompilePace(() => nowMs);
  while (nowMs < 600_000) {
    nowMs += pace.waitMs() + 50;
    busyMs += 50;
    pace.compiled(50);
  }
  expect(busyMs / nowMs).toBeGreaterThan(0.16);
  expect(busyMs / nowMs).toBeLessThan(0.171);
});

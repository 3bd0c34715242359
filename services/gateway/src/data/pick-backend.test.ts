import fc from "fast-check";
import { expect, it } from "vitest";
import { pickBackend } from "./pick-backend.ts";

it("takes each backend for as much of the range as its weight says", () => {
  const weights = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(weights, (list) => {
      const backends = list.map((weight, i) => ({ service: String(i), weight, protocol: "http1" as const }));
      const total = list.reduce((sum, weight) => sum + weight, 0);
      const counts = backends.map(() => 0);
      for (let i = 0; i < total; i++) {
        const picked = pickBackend(backends, (i + 0.5) / total);
        const at = backends.indexOf(picked as (typeof backends)[number]);
        counts[at] = (counts[at] ?? 0) + 1;
      }
      expect(counts).toEqual(list);
    }),
  );
});

it("takes none when none has weight", () => {
  expect(pickBackend([], 0)).toBeUndefined();
  expect(pickBackend([{ weight: 0, protocol: "http1" }], 0)).toBeUndefined();
});

import { createSeededRandom } from "@plinth/testing";
import { describe, expect, test } from "vitest";
import { Latency } from "../src/latency.ts";
import { type Ejection, Outlier } from "../src/outlier.ts";
import { type Candidate, pickEndpoint } from "../src/pick-endpoint.ts";

type Endpoint = Candidate & { draining: boolean; inFlight: number };

const make = (count: number): Endpoint[] =>
  Array.from({ length: count }, () => ({
    draining: false,
    inFlight: 0,
    outlier: new Outlier({ baseEjectionMs: 5_000 }),
    latency: new Latency(),
  }));
const eject = (endpoint: Endpoint, nowMs: number): void => {
  while (!endpoint.outlier.isEjected(nowMs)) endpoint.outlier.failed(nowMs);
};

function share(endpoints: Endpoint[], nowMs: number, picks = 2_000): number[] {
  const random = createSeededRandom(7);
  const counts = new Map<Endpoint, number>();
  for (let i = 0; i < picks; i++) {
    const picked = pickEndpoint(endpoints, [], nowMs, random);
    if (picked) counts.set(picked, (counts.get(picked) ?? 0) + 1);
  }
  return endpoints.map((endpoint) => (counts.get(endpoint) ?? 0) / picks);
}

describe("pickEndpoint", () => {
  test("spreads evenly and prefers the less busy of two", () => {
    const endpoints = make(4);
    for (const part of share(endpoints, 0)) expect(part).toBeCloseTo(0.25, 1);
    (endpoints[0] as Endpoint).inFlight = 10;
    expect(share(endpoints, 0)[0]).toBe(0);
  });

  test("prefers who answers more quickly, as long as it is not busier by as much", () => {
    const [quick, slow] = make(2) as [Endpoint, Endpoint];
    quick.latency.answered(10, 0);
    slow.latency.answered(50, 0);
    expect(share([quick, slow], 0)).toEqual([1, 0]);
    quick.inFlight = 6;
    expect(share([quick, slow], 0)).toEqual([0, 1]);
  });

  test("tries a slow one again after it was left alone", () => {
    const [quick, slow] = make(2) as [Endpoint, Endpoint];
    slow.latency.answered(2_000, 0);
    quick.latency.answered(2, 119_999);
    expect(share([quick, slow], 120_000)).toEqual([0, 1]);
  });

  test("does not take an endpoint that refuses at once for the quickest", () => {
    const [works, refuses] = make(2) as [Endpoint, Endpoint];
    works.latency.answered(100, 0);
    refuses.latency.failed(0.1, 0);
    expect(share([works, refuses], 0)).toEqual([1, 0]);
  });

  test("leaves draining, ejected and tried endpoints out", () => {
    const [a, b, c, d] = make(4) as [Endpoint, Endpoint, Endpoint, Endpoint];
    a.draining = true;
    eject(b, 0);
    for (const tried of [[c], new Set([c])])
      expect(pickEndpoint([a, b, c, d], tried, 0, createSeededRandom(1))).toBe(d);
    expect(share([a, b, c, d], 0).slice(0, 2)).toEqual([0, 0]);
  });

  test("uses a draining endpoint when there is no other", () => {
    const endpoints = make(2);
    for (const endpoint of endpoints) endpoint.draining = true;
    expect(pickEndpoint(endpoints, [], 0, createSeededRandom(1))).toBeDefined();
  });

  test("ignores ejections when more than half are ejected", () => {
    const endpoints = make(3);
    eject(endpoints[0] as Endpoint, 0);
    expect(share(endpoints, 0)[0]).toBe(0);
    eject(endpoints[1] as Endpoint, 0);
    expect(share(endpoints, 0)[0]).toBeGreaterThan(0.2);
  });

  test("finds nothing when everything was tried", () => {
    const endpoints = make(2);
    expect(pickEndpoint(endpoints, endpoints, 0, createSeededRandom(1))).toBeUndefined();
    expect(pickEndpoint(endpoints.slice(0, 1), endpoints, 0, createSeededRandom(1))).toBeUndefined();
    expect(pickEndpoint([], [], 0, createSeededRandom(1))).toBeUndefined();
  });
});

describe("Outlier", () => {
  const failTimes = (outlier: Outlier, times: number, nowMs: number): (Ejection | undefined)[] =>
    Array.from({ length: times }, () => outlier.failed(nowMs));

  test("ejects after failures in a row, and a success between them counts", () => {
    const outlier = new Outlier();
    expect(failTimes(outlier, 4, 0)).toEqual([undefined, undefined, undefined, undefined]);
    outlier.succeeded();
    expect(failTimes(outlier, 5, 0)).toEqual([undefined, undefined, undefined, undefined, "failures"]);
    expect(outlier.isEjected(999)).toBe(true);
    expect(outlier.isEjected(1_000)).toBe(false);
  });

  test("ejects at the first failure after an ejection, for twice as long, up to the limit", () => {
    const outlier = new Outlier({ failuresMax: 3, baseEjectionMs: 1_000, ejectionMaxMs: 4_000 });
    failTimes(outlier, 3, 0);
    expect(outlier.failed(1_000)).toBe("probation");
    expect(outlier.isEjected(2_999)).toBe(true);
    expect(outlier.failed(3_000)).toBe("probation");
    expect(outlier.failed(7_000)).toBe("probation");
    expect(outlier.isEjected(10_999)).toBe(true);
    expect(outlier.isEjected(11_000)).toBe(false);
    outlier.succeeded();
    expect(failTimes(outlier, 2, 11_000)).toEqual([undefined, undefined]);
  });

  test("does not send all callers back at one moment", () => {
    const random = createSeededRandom(3);
    const ends = Array.from({ length: 20 }, () => {
      const outlier = new Outlier({ random });
      failTimes(outlier, 5, 0);
      return Array.from({ length: 16 }, (_, i) => 1_000 + i * 40).find((ms) => !outlier.isEjected(ms));
    });
    expect(new Set(ends).size).toBeGreaterThan(5);
  });
});

import { createSeededRandom } from "@plinth/testing";
import { describe, expect, it } from "vitest";
import { Endpoint } from "./endpoint.ts";
import { pickEndpoint } from "./pick-endpoint.ts";

const make = (count: number) => Array.from({ length: count }, (_, i) => new Endpoint("s", "127.0.0.1", 1000 + i));
const eject = (endpoint: Endpoint, nowMs: number) => {
  for (let i = 0; i < 5; i++) endpoint.outlier.failed(nowMs);
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
  it("spreads evenly and prefers the less busy of two", () => {
    const endpoints = make(4);
    for (const part of share(endpoints, 0)) expect(part).toBeCloseTo(0.25, 1);
    (endpoints[0] as Endpoint).inFlight = 10;
    expect(share(endpoints, 0)[0]).toBe(0);
  });

  it("leaves draining, ejected and tried endpoints out", () => {
    const [a, b, c, d] = make(4) as [Endpoint, Endpoint, Endpoint, Endpoint];
    a.draining = true;
    eject(b, 0);
    expect(pickEndpoint([a, b, c, d], [c], 0, createSeededRandom(1))).toBe(d);
    expect(share([a, b, c, d], 0).slice(0, 2)).toEqual([0, 0]);
  });

  it("uses a draining endpoint when there is no other", () => {
    const endpoints = make(2);
    for (const endpoint of endpoints) endpoint.draining = true;
    expect(pickEndpoint(endpoints, [], 0, createSeededRandom(1))).toBeDefined();
  });

  it("ignores ejections when more than half are ejected", () => {
    const endpoints = make(3);
    eject(endpoints[0] as Endpoint, 0);
    expect(share(endpoints, 0)[0]).toBe(0);
    eject(endpoints[1] as Endpoint, 0);
    expect(share(endpoints, 0)[0]).toBeGreaterThan(0.2);
  });

  it("ejects for longer each time and forgives with success", () => {
    const [endpoint] = make(1) as [Endpoint];
    eject(endpoint, 0);
    expect(endpoint.outlier.isEjected(4_999)).toBe(true);
    expect(endpoint.outlier.isEjected(5_000)).toBe(false);
    eject(endpoint, 5_000);
    expect(endpoint.outlier.isEjected(14_999)).toBe(true);
    endpoint.outlier.succeeded();
    expect(endpoint.outlier.isEjected(14_999)).toBe(false);
  });

  it("finds nothing when everything was tried", () => {
    const endpoints = make(2);
    expect(pickEndpoint(endpoints, endpoints, 0, createSeededRandom(1))).toBeUndefined();
    expect(pickEndpoint([], [], 0, createSeededRandom(1))).toBeUndefined();
  });
});

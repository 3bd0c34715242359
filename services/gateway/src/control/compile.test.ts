import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fulfils, type MatchedRequest } from "../data/conditions.ts";
import { RequestHead } from "../data/request-head.ts";
import type { Conditions, Route } from "../data/route.ts";
import { RouteTable } from "../data/route-table.ts";
import { compile } from "./compile.ts";
import { comparePrecedence, type Precedence } from "./precedence.ts";

const hostname = fc.constantFrom("", "a.example.com", "b.example.com", "*.example.com", "*.com", "*.a.example.com");
const path = fc
  .array(fc.constantFrom("a", "b", "cc"), { maxLength: 3 })
  .map((segments) => segments.map((segment) => `/${segment}`).join(""));
const conditions: fc.Arbitrary<Conditions | undefined> = fc.option(
  fc.record(
    {
      method: fc.constantFrom("GET", "POST"),
      headers: fc.subarray([
        { name: "x", value: "1" },
        { name: "y", value: "2" },
      ]),
      query: fc.subarray([{ name: "q", value: "1" }]),
    },
    { requiredKeys: ["headers", "query"] },
  ),
  { nil: undefined },
);
const precedence: fc.Arbitrary<Precedence> = fc.record({
  hostname,
  pathType: fc.constantFrom("Exact", "Prefix"),
  path,
  conditions,
  created: fc.constantFrom("", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
  namespace: fc.constantFrom("", "n"),
  name: fc.constantFrom("x", "y"),
  ruleIndex: fc.nat(2),
});

describe("precedence", () => {
  it("is a total order", () => {
    fc.assert(
      fc.property(precedence, precedence, precedence, (a, b, c) => {
        expect(Math.sign(comparePrecedence(a, b))).toBe(-Math.sign(comparePrecedence(b, a)) || 0);
        if (comparePrecedence(a, b) === 0) expect(a).toEqual(b);
        if (comparePrecedence(a, b) <= 0 && comparePrecedence(b, c) <= 0)
          expect(comparePrecedence(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

const hostMatches = (pattern: string, host: string): boolean =>
  pattern === "" || pattern === host || (pattern.startsWith("*.") && host.endsWith(pattern.slice(1)));
const pathMatches = (rank: Pick<Route, "pathType" | "path">, wanted: string): boolean =>
  rank.pathType === "Exact"
    ? wanted === (rank.path || "/")
    : rank.path === "" || wanted === rank.path || wanted.startsWith(`${rank.path}/`);

const request = fc.record({
  method: fc.constantFrom("GET", "POST"),
  query: fc.constantFrom("", "?q=1", "?q=2&q=1"),
  head: fc
    .subarray(["x", "1", "Y", "2"].map((_, i, all) => all.slice(i, i + 2)).filter((_, i) => i % 2 === 0))
    .map((headers) => new RequestHead(headers.flat())),
});
const routeOf = (rank: Precedence): Route => ({
  id: "",
  service: rank.name,
  hostname: rank.hostname,
  pathType: rank.pathType,
  path: rank.pathType === "Exact" ? rank.path || "/" : rank.path,
  ...(rank.conditions ? { conditions: rank.conditions } : {}),
  authentication: "None",
  timeoutMs: 1,
  idleTimeoutMs: 1,
  maxBodyBytes: 1,
  websocket: true,
});

describe("the table", () => {
  it("finds what a walk through all routes in order of precedence finds", () => {
    const host = fc.constantFrom("a.example.com", "b.example.com", "x.a.example.com", "example.com", "other");
    fc.assert(
      fc.property(
        fc.array(precedence, { maxLength: 12 }),
        host,
        path,
        request,
        (ranks, wantedHost, wantedPath, wanted) => {
          const request: MatchedRequest = { ...wanted, path: wantedPath || "/" };
          const routes = ranks.toSorted(comparePrecedence).map(routeOf);
          const found = RouteTable.of(routes).match(wantedHost, request);
          const expected = routes.find(
            (route) =>
              hostMatches(route.hostname, wantedHost) &&
              pathMatches(route, request.path) &&
              (route.conditions === undefined || fulfils(request, route.conditions)),
          );
          expect(found).toBe(expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("does not look deeper than its deepest prefix", () => {
    expect(
      RouteTable.empty.match("a", { method: "GET", path: "/".repeat(5_000), query: "", head: new RequestHead([]) }),
    ).toBeUndefined();
  });

  it("compiles whatever it is given without throwing", () => {
    fc.assert(
      fc.property(fc.array(fc.anything()), fc.anything(), (objects, route) => {
        compile(objects.map((object) => ({ origin: "", object })));
        compile([{ origin: "", object: { metadata: { name: "x" }, spec: { route } } }]);
        compile([
          { origin: "", object: { metadata: { name: "x" }, spec: { route: { rules: [route], cors: route } } } },
        ]);
      }),
    );
  });
});

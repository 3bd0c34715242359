import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RouteTable } from "../data/route-table.ts";
import { compile } from "./compile.ts";
import { comparePrecedence, type Precedence } from "./precedence.ts";

const hostname = fc.constantFrom("", "a.example.com", "b.example.com", "*.example.com", "*.com", "*.a.example.com");
const path = fc
  .array(fc.constantFrom("a", "b", "cc"), { maxLength: 3 })
  .map((segments) => segments.map((segment) => `/${segment}`).join(""));
const precedence: fc.Arbitrary<Precedence> = fc.record({
  hostname,
  pathType: fc.constantFrom("Exact", "Prefix"),
  path,
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
const pathMatches = (rank: Precedence, wanted: string): boolean =>
  rank.pathType === "Exact"
    ? wanted === (rank.path || "/")
    : rank.path === "" || wanted === rank.path || wanted.startsWith(`${rank.path}/`);

describe("the table", () => {
  it("finds what a walk through all routes in order of precedence finds", () => {
    const host = fc.constantFrom("a.example.com", "b.example.com", "x.a.example.com", "example.com", "other");
    fc.assert(
      fc.property(fc.array(precedence, { maxLength: 12 }), host, path, (ranks, wantedHost, wantedPath) => {
        const wanted = wantedPath || "/";
        const objects = ranks.map((rank) => ({
          origin: "",
          object: {
            metadata: { name: rank.name, namespace: rank.namespace, creationTimestamp: rank.created },
            spec: {
              route: {
                ...(rank.hostname === "" ? {} : { hostnames: [rank.hostname] }),
                rules: [{ path: rank.path || "/", pathType: rank.pathType }],
              },
            },
          },
        }));
        const found = compile(objects).table.match(wantedHost, wanted);
        const expected = ranks
          .map((rank) => ({ ...rank, ruleIndex: 0, path: rank.pathType === "Exact" ? rank.path || "/" : rank.path }))
          .sort(comparePrecedence)
          .find((rank) => hostMatches(rank.hostname, wantedHost) && pathMatches(rank, wanted));
        expect(found && [found.hostname, found.pathType, found.path, found.service]).toEqual(
          expected && [expected.hostname, expected.pathType, expected.path, expected.name],
        );
      }),
      { numRuns: 500 },
    );
  });

  it("does not look deeper than its deepest prefix", () => {
    expect(RouteTable.empty.match("a", "/".repeat(5_000))).toBeUndefined();
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

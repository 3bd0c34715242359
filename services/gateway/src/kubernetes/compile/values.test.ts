import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gatewayDurationMs } from "./gateway-duration.ts";
import { intersection, intersects } from "./hostnames.ts";

describe("host names of listeners and routes", () => {
  it.each([
    ["", "a.example.com", "a.example.com"],
    ["*.example.com", "a.example.com", "a.example.com"],
    ["*.example.com", "a.b.example.com", "a.b.example.com"],
    ["*.example.com", "*.b.example.com", "*.b.example.com"],
    ["*.example.com", "example.com", undefined],
    ["*.example.com", "*.com", "*.example.com"],
    ["a.example.com", "b.example.com", undefined],
    ["*.example.com", "badexample.com", undefined],
  ])("%j and %j have in common: %j", (a, b, common) => {
    expect(intersection(a, b)).toBe(common);
    expect(intersection(b, a)).toBe(common);
  });

  it("have hosts in common exactly when a host is covered by both", () => {
    const label = fc.constantFrom("a", "b");
    const host = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join("."));
    const pattern = fc.oneof(
      fc.constant(""),
      host,
      host.map((name) => `*.${name}`),
    );
    const covers = (name: string, wanted: string) =>
      name === "" || name === wanted || (name.startsWith("*.") && wanted.endsWith(name.slice(1)));
    fc.assert(
      fc.property(pattern, pattern, host, (a, b, wanted) => {
        const common = intersection(a, b);
        const isCommon = common !== undefined && covers(common, wanted);
        expect(covers(a, wanted) && covers(b, wanted)).toBe(isCommon);
        expect(intersects(a, b)).toBe(common !== undefined);
      }),
    );
  });
});

describe("durations (GEP-2257)", () => {
  it.each([
    ["0s", 0],
    ["500ms", 500],
    ["1h30m", 5_400_000],
    ["2m5s10ms", 125_010],
    ["10", undefined],
    ["1.5s", undefined],
    ["-1s", undefined],
    ["1d", undefined],
    ["123456s", undefined],
  ])("%s is %s ms", (text, ms) => {
    expect(gatewayDurationMs(text)).toBe(ms);
  });
});

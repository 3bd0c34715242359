import { describe, expect, test } from "vitest";
import type { Condition } from "../../src/domain/condition/condition.ts";
import { composeModel } from "../../src/domain/model/compose-model.ts";
import type { JsonObject } from "../../src/domain/relationship/relationship.ts";

function condition(parameters: string, expression: string): Condition {
  const dsl = `type user\ntype doc\n  relations\n    define viewer: [user with c]\ncondition c(${parameters}) {\n  ${expression}\n}\n`;
  return composeModel([{ name: "test", dsl }]).conditions.get("c") as Condition;
}

describe("evaluation", () => {
  test.each([
    ["hour: int", "hour >= 8 && hour < 18", { hour: 8 }, true],
    ["hour: int", "hour >= 8 && hour < 18", { hour: 18 }, false],
    ["size: uint", "size <= 10u", { size: 10 }, true],
    ["big: int", "big == 9007199254740993", { big: "9007199254740993" }, true],
    ["ratio: double", "ratio < 0.5", { ratio: 0.25 }, true],
    ["ok: bool", "!ok", { ok: false }, true],
    ["name: string", 'name.startsWith("a") && name.size() == 3', { name: "ann" }, true],
    ["name: string", 'name.matches("^(a+)+$")', { name: `${"a".repeat(40)}b` }, false],
    ["ip: ipaddress", 'ip.in_cidr("192.168.0.0/16")', { ip: "192.168.7.1" }, true],
    ["ip: ipaddress", 'ip.in_cidr("192.168.0.0/16")', { ip: "10.0.0.1" }, false],
    ["ip: ipaddress", 'ip.in_cidr("2001:db8::/32")', { ip: "2001:db8::1" }, true],
    ["at: timestamp", 'at < timestamp("2026-01-01T00:00:00Z")', { at: "2025-12-31T23:59:59.999999999Z" }, true],
    [
      "at: timestamp, from: timestamp, span: duration",
      "at < from + span",
      { at: "2026-01-01T00:59:59Z", from: "2026-01-01T00:00:00Z", span: "1h" },
      true,
    ],
    ["tags: list<string>", '"x" in tags', { tags: ["y", "x"] }, true],
    ["rights: map<int>", 'rights["a"] == 2', { rights: { a: 2 } }, true],
    ["levels: list<int>", "levels.exists(l, l > 2)", { levels: [1, 2] }, false],
  ] as [string, string, JsonObject, boolean][])("%s: %s with %j is %s", (parameters, expression, context, expected) => {
    expect(condition(parameters, expression).evaluate(context, {})).toBe(expected);
  });

  test("what is stored with the relationship wins over what the caller sends", () => {
    const limit = condition("limit: int, amount: int", "amount <= limit");
    expect(limit.evaluate({ limit: 10 }, { limit: 1_000_000, amount: 50 })).toBe(false);
    expect(limit.evaluate({ limit: 10 }, { amount: 5 })).toBe(true);
  });

  test("a missing parameter matters only where it decides", () => {
    const either = condition("a: bool, b: bool", "a || b");
    expect(either.evaluate({ a: true }, {})).toBe(true);
    expect(either.evaluate({ a: false }, {})).toMatchObject({ reason: "CONDITION_PARAMETER_MISSING" });
  });

  test.each([
    ["n: int", "n > 1", { n: 1.5 }],
    ["n: int", "n > 1", { n: 2 ** 53 }],
    ["n: int", "n > 1", { n: "9223372036854775808" }],
    ["n: uint", "n > 1u", { n: -1 }],
    ["at: timestamp", "at == at", { at: "yesterday" }],
    ["d: duration", "d == d", { d: "1 hour" }],
    ["ip: ipaddress", 'ip.in_cidr("10.0.0.0/8")', { ip: "10.0.0.256" }],
    ["l: list<int>", "size(l) > 0", { l: ["x"] }],
    ["m: map<int>", "size(m) > 0", { m: [1] }],
    ["s: string", 's == ""', { s: null }],
  ] as [string, string, JsonObject][])("%s: %s refuses %j", (parameters, expression, context) => {
    expect(condition(parameters, expression).evaluate(context, {})).toMatchObject({
      code: "invalid_argument",
      reason: "CONDITION_PARAMETER_INVALID",
    });
  });

  test("an error or a value that is no answer is a fault, never a yes", () => {
    expect(condition("a: int", "1 / a == 1").evaluate({ a: 0 }, {})).toMatchObject({ reason: "CONDITION_FAILED" });
    expect(condition("a: int", "a + 1").evaluate({ a: 0 }, {})).toMatchObject({ reason: "CONDITION_FAILED" });
    expect(
      condition("ip: ipaddress, net: string", "ip.in_cidr(net)").evaluate({ ip: "10.0.0.1", net: "x/1" }, {}),
    ).toMatchObject({ reason: "CONDITION_FAILED" });
  });
});

test("a loop inside a loop is refused when the module is put", () => {
  expect(() => condition("l: list<int>", "l.all(a, l.exists(b, a == b))")).toThrow("inside a loop");
  expect(condition("l: list<int>", "l.filter(a, a > 1).exists(b, b > 2)").evaluate({ l: [1, 3] }, {})).toBe(true);
});

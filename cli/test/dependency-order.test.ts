import { expect, test } from "vitest";
import { dependencyOrder } from "../src/local/dependency-order.ts";

const order = (graph: Record<string, string[]>) =>
  dependencyOrder(Object.entries(graph).map(([name, dependsOn]) => ({ name, dependsOn })));

test("everything comes after what it depends on", () => {
  expect(order({ gateway: ["auth"], auth: ["identity", "authz"], identity: ["authz"], authz: [] })).toEqual([
    "authz",
    "identity",
    "auth",
    "gateway",
  ]);
});

test("a circle is told with its members only", () => {
  expect(() => order({ a: ["b"], b: ["c"], c: ["b"] })).toThrow("b -> c -> b");
  expect(() => order({ a: ["a"] })).toThrow("a -> a");
});

test("an unknown dependency is told with what there is", () => {
  expect(() => order({ b: ["x"], a: [] })).toThrow("b depends on x, which is not among the services here (a, b)");
});

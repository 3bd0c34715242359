import { expect, test } from "vitest";
import { lineDiff } from "../src/commands/line-diff.ts";

const text = (...lines: string[]): string => lines.map((line) => `${line}\n`).join("");

test.each([
  [text("a"), text("a"), []],
  ["", text("a", "b"), ["+ a", "+ b"]],
  [text("a"), "", ["- a"]],
  [text("a", "b", "c"), text("a", "x", "c"), ["  a", "- b", "+ x", "  c"]],
  [text("a", "b"), text("b", "c"), ["- a", "  b", "+ c"]],
])("%j to %j", (before, after, lines) => {
  expect(lineDiff(before, after)).toEqual(lines);
});

test("lines far from a change are left out, and the gap is marked", () => {
  const many = Array.from({ length: 12 }, (_, n) => `line ${n}`);
  const changed = many.with(1, "one").with(10, "ten");
  expect(lineDiff(text(...many), text(...changed))).toEqual([
    ...["  line 0", "- line 1", "+ one", "  line 2", "  line 3", "  ..."],
    ...["  line 8", "  line 9", "- line 10", "+ ten", "  line 11"],
  ]);
});

test("texts too long to compare are shown whole", () => {
  const long = (word: string) => text(...Array.from({ length: 2_100 }, () => word));
  expect(lineDiff(long("a"), long("b"))).toHaveLength(4_200);
});

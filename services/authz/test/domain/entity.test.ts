import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatObject, formatSubject, parseObject, parseSubject } from "../../src/domain/relationship/entity.ts";

describe("objects", () => {
  test.each([
    "a:1",
    "note:01920000-0000-7000-8000-000000000001",
    "doc:größe",
    "doc:a/b|c@d.e",
    `doc:${"x".repeat(252)}`,
  ])("%s", (text) => expect(formatObject(parseObject(text))).toBe(text));

  test.each([
    ["no type", ":1"],
    ["no id", "doc:"],
    ["no colon", "doc"],
    ["a second colon", "doc:a:b"],
    ["a wildcard", "doc:*"],
    ["a star in the id", "doc:a*"],
    ["a userset", "doc:1#viewer"],
    ["a space", "doc:a b"],
    ["a no-break space", "doc:a\u00a0b"],
    ["a line feed", "doc:a\nb"],
    ["NUL", "doc:a\0"],
    ["something invisible", "doc:a\u200bb"],
    ["text that turns around", "doc:a\u202eb"],
    ["half a surrogate pair", "doc:a\ud800"],
    ["a type in another script", "dосs:1"],
    ["257 bytes", `doc:${"x".repeat(253)}`],
    ["257 bytes in fewer characters", `doc:${"é".repeat(127)}`],
  ])("refused: %s", (_, text) => expect(() => parseObject(text)).toThrow(/must look like/));
});

describe("subjects", () => {
  test.each(["user:ann", "user:*", "group:x#member"])("%s", (text) =>
    expect(formatSubject(parseSubject(text))).toBe(text),
  );

  test.each(["user:*#member", "group:x#", "group:x#a#b", "group:x#a b", "group#member", "#", "", "a:b:c#d"])(
    "refused: %j",
    (text) => expect(() => parseSubject(text)).toThrow(/must look like/),
  );
});

test("whatever is accepted comes back as it was, and different texts stay different", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", ":", "#", "*", "@", " ", "\0", "é"), maxLength: 12 });
  fc.assert(
    fc.property(text, (given) => {
      try {
        return formatSubject(parseSubject(given)) === given;
      } catch (err) {
        return (err as { code?: string }).code === "invalid_argument";
      }
    }),
    { numRuns: 2_000 },
  );
});

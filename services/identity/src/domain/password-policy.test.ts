import { isFault } from "@plinth/kernel";
import { describe, expect, test } from "vitest";
import { requireGoodPassword } from "./password-policy.ts";

const context = { email: "grace.hopper@navy.example", displayName: "Grace Hopper" };
const policy = { lengthMin: 15, blocked: new Set(["correct horse battery staple"]) };
const reasonFor = (password: string): string => {
  try {
    requireGoodPassword(password, context, policy);
    return "accepted";
  } catch (err) {
    return isFault(err) ? err.reason : String(err);
  }
};

describe("password policy", () => {
  test.each([
    ["fourteen chars", "abLwq9zkTr2xv!", "PASSWORD_TOO_SHORT"],
    ["a character counts once, whatever its bytes", "🔑".repeat(14), "PASSWORD_TOO_SHORT"],
    ["above the byte limit", "x9".repeat(513), "PASSWORD_TOO_LONG"],
    ["on the list", "correct horse battery staple", "PASSWORD_TOO_COMMON"],
    ["a well-known word with substitutions", "P4$$w0rdP4$$w0rd", "PASSWORD_TOO_COMMON"],
    ["the keys in a row", "qwertyuiopasdfghjkl", "PASSWORD_TOO_COMMON"],
    ["digits in a row", "123456789012345", "PASSWORD_TOO_COMMON"],
    ["one character", "aaaaaaaaaaaaaaaa", "PASSWORD_TOO_COMMON"],
    ["a short run said again and again", "xyzxyzxyzxyzxyzxyz", "PASSWORD_TOO_COMMON"],
    ["the user's own name", "GraceHopperGraceHopper", "PASSWORD_TOO_COMMON"],
    ["name, season and year", "graceSummer2026!", "PASSWORD_TOO_COMMON"],
    ["a few unrelated words", "walnut ferry oblique", "accepted"],
    ["letters only, no digits or signs", "kvbmzrtlpwqhnds", "accepted"],
    ["another script", "безопасный-ключик", "accepted"],
    ["long and random", "f3X9!kq2Lm#7Vt0z-Bd5", "accepted"],
  ])("%s", (_, password, expected) => {
    expect(reasonFor(password)).toBe(expected);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalisePath } from "./normalise-path.ts";

describe("normalisePath", () => {
  it.each([
    ["/", "/"],
    ["/a/b.c/~d", "/a/b.c/~d"],
    ["/%61%2D%7e", "/a-~"],
    ["/%c3%a9", "/%C3%A9"],
    ["/a...b/.well-known/..a", "/a...b/.well-known/..a"],
    ["/a;v=1/b", "/a;v=1/b"],
  ])("%s becomes %s", (path, expected) => {
    expect(normalisePath(path)).toEqual({ ok: true, path: expected });
  });

  it("leaves its own results alone, and none of them can be read as another path", () => {
    const part = fc.constantFrom(
      "/",
      ".",
      "..",
      "%2e",
      "%2F",
      "%41",
      "a",
      ";",
      "%",
      "%25",
      "\\",
      "%5c",
      "\u00e9",
      "%3b",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const result = normalisePath(`/${parts.join("")}`);
        if (!result.ok) return;
        expect(normalisePath(result.path)).toEqual(result);
        // The way a URL library or a server that decodes would see it.
        expect(new URL(`http://h${result.path}`).pathname).toBe(result.path);
        const decoded = decodeURIComponent(result.path.replace(/%[89A-F][0-9A-F]/gi, "x"));
        expect(decoded.split("/").map((segment) => segment.split(";")[0])).not.toContain("..");
        expect(decoded).not.toMatch(/\/\/|\\/);
      }),
      { numRuns: 2_000 },
    );
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChunkedDecoder, chunkedLimits } from "../../src/data/http1/chunked-decoder.ts";

interface Decoded {
  content: string;
  state: "done" | "broken" | "partial";
  trailers: string[];
  /** Octets after the body. */
  rest: string;
}

function decode(text: string, cuts: readonly number[] = []): Decoded {
  const bytes = Buffer.from(text, "latin1");
  const decoder = new ChunkedDecoder();
  const bounds = [...new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  let content = "";
  let from = 0;
  let rest = "";
  for (const to of bounds) {
    const piece = bytes.subarray(from, to);
    const end = decoder.decode(piece, 0, piece.length, (part) => {
      content += part.toString("latin1");
    });
    rest += piece.subarray(end).toString("latin1");
    from = to;
  }
  const state = decoder.done ? "done" : decoder.broken ? "broken" : "partial";
  return { content, state, trailers: decoder.trailers, rest: decoder.broken ? "" : rest };
}

describe("a body in chunks", () => {
  it("is put together, with its trailers, and ends where it ends", () => {
    expect(decode("3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nX-T: 1\r\nY:\r\n\r\nGET /")).toEqual({
      content: "abc0123456789",
      state: "done",
      trailers: ["x-t", "1", "y", ""],
      rest: "GET /",
    });
    expect(decode("000\r\n\r\n")).toMatchObject({ content: "", state: "done" });
  });

  it.each([
    ["no size", "\r\nabc"],
    ["a size that is not hexadecimal", "g\r\n"],
    ["a prefix", "0x3\r\nabc\r\n"],
    ["a sign", "+3\r\nabc\r\n"],
    ["space before the size", " 3\r\nabc\r\n"],
    ["space after the size", "3 \r\nabc\r\n"],
    ["a size with an underscore", "1_0\r\n"],
    ["a size without end", "1000000000000\r\n"],
    ["a size that ends with LF", "3\nabc\r\n"],
    ["a bare CR after the size", "3\rabc"],
    ["a bare LF in an extension", "3;a\nb\r\nabc\r\n"],
    ["a NUL in an extension", "3;a\0\r\nabc\r\n"],
    ["extensions without end", `3;${"a".repeat(chunkedLimits.extensionBytesMax + 1)}\r\n`],
    ["many extensions", `${`1;${"a".repeat(1000)}\r\nx\r\n`.repeat(5)}`],
    ["a chunk longer than its size", "2\r\nabcd\r\n"],
    ["a chunk that ends with LF", "2\r\nab\n0\r\n\r\n"],
    ["a folded trailer", "0\r\nA: b\r\n c\r\n\r\n"],
    ["a trailer without a colon", "0\r\nabc\r\n\r\n"],
    ["trailers that are too large", `0\r\nA: ${"a".repeat(chunkedLimits.trailerBytesMax)}\r\n\r\n`],
    ["too many trailers", `0\r\n${"a: b\r\n".repeat(chunkedLimits.trailersMax + 1)}\r\n`],
  ])("is broken by %s", (_name, text) => {
    expect(decode(text).state).toBe("broken");
  });

  it("says the same in whichever pieces it comes, valid or not", () => {
    const chunk = fc
      .tuple(fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 40 }), fc.constantFrom("", ";a=b", ";c"))
      .map(([content, extension]) => `${content.length.toString(16)}${extension}\r\n${content}\r\n`);
    const trailers = fc.constantFrom("", "X-T: 1\r\n", "A: b\r\nC: d\r\n");
    const body = fc
      .tuple(fc.array(chunk, { maxLength: 5 }), trailers)
      .map(([chunks, t]) => `${chunks.join("")}0\r\n${t}\r\nrest`);
    const damage = fc.option(fc.tuple(fc.nat(300), fc.nat(255)));
    fc.assert(
      fc.property(body, damage, fc.array(fc.nat(400), { maxLength: 10 }), (text, hit, cuts) => {
        const at = hit === null ? -1 : hit[0] % text.length;
        const damaged = hit === null ? text : `${text.slice(0, at)}${String.fromCharCode(hit[1])}${text.slice(at + 1)}`;
        expect(decode(damaged, cuts)).toEqual(decode(damaged));
      }),
      { numRuns: 1_000 },
    );
  });
});

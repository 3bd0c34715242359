import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RequestParser } from "../../src/data/http1/request-parser.ts";
import { nodeVerdict } from "./node-verdict.ts";

interface Parsed {
  state: string;
  method?: string;
  target?: string;
  minorVersion?: number;
  fields?: string[];
  end?: number;
}

function parse(text: string | Buffer): Parsed {
  const bytes = typeof text === "string" ? Buffer.from(text, "latin1") : text;
  const parser = new RequestParser(100);
  const state = parser.parse(bytes, 0, bytes.length);
  if (state !== "whole") return { state };
  const { method, target, minorVersion, fields, end } = parser;
  return { state, method, target, minorVersion, fields, end };
}

const valid = "POST /a?b HTTP/1.1\r\nHost: h\r\nX-Long-Name:  padded \t\r\nEmpty:\r\nX: \xe9\xff\r\n\r\n";

describe("a request's head", () => {
  it("is read with names in lower case and values without the space around them", () => {
    expect(parse(`${valid}body`)).toEqual({
      state: "whole",
      method: "POST",
      target: "/a?b",
      minorVersion: 1,
      fields: ["host", "h", "x-long-name", "padded", "empty", "", "x", "\xe9\xff"],
      end: valid.length,
    });
  });

  it("may have no fields, one empty line before it, and version 1.0", () => {
    expect(parse("\r\nGET / HTTP/1.0\r\n\r\n")).toMatchObject({ state: "whole", minorVersion: 0, fields: [] });
  });

  it("is not whole before its last octet", () => {
    for (let length = 0; length < valid.length; length++) expect(parse(valid.slice(0, length)).state).toBe("partial");
    expect(parse("\r").state).toBe("partial");
  });

  it.each([
    ["two empty lines before it", "\r\n\r\nGET / HTTP/1.1\r\n\r\n"],
    ["HTTP/0.9", "GET /\r\n"],
    ["a line that ends with LF only", "GET / HTTP/1.1\nHost: a\r\n\r\n"],
    ["a field that ends with LF only", "GET / HTTP/1.1\r\nHost: a\n\r\n"],
    ["an end with LF only", "GET / HTTP/1.1\r\nHost: a\r\n\n"],
    ["a bare CR in a value", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n"],
    ["a bare CR after the version", "GET / HTTP/1.1\rHost: a\r\n\r\n"],
    ["a NUL in a value", "GET / HTTP/1.1\r\nHost: a\0\r\n\r\n"],
    ["a control character in a value", "GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n"],
    ["a DEL in a value", "GET / HTTP/1.1\r\nHost: a\x7f\r\n\r\n"],
    ["a folded line", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"],
    ["a line folded by a tab", "GET / HTTP/1.1\r\nHost: a\r\n\tb\r\n\r\n"],
    ["space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"],
    ["space before a colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n"],
    ["a field without a name", "GET / HTTP/1.1\r\n: a\r\n\r\n"],
    ["a field without a colon", "GET / HTTP/1.1\r\nHost\r\n\r\n"],
    ["a name with a character that is no token's", "GET / HTTP/1.1\r\nHo@st: a\r\n\r\n"],
    ["a name with obs-text", "GET / HTTP/1.1\r\nHost\xe9: a\r\n\r\n"],
    ["a method that is no token", "G@T / HTTP/1.1\r\n\r\n"],
    ["a method without end", `${"A".repeat(30)}`],
    ["no method", " / HTTP/1.1\r\n\r\n"],
    ["two spaces before the target", "GET  / HTTP/1.1\r\n\r\n"],
    ["two spaces after the target", "GET /  HTTP/1.1\r\n\r\n"],
    ["a space in the target", "GET /a b HTTP/1.1\r\n\r\n"],
    ["a tab in the target", "GET /a\tb HTTP/1.1\r\n\r\n"],
    ["a NUL in the target", "GET /a\0b HTTP/1.1\r\n\r\n"],
    ["obs-text in the target", "GET /a\xe9 HTTP/1.1\r\n\r\n"],
    ["a space after the version", "GET / HTTP/1.1 \r\n\r\n"],
    ["a version in lower case", "GET / http/1.1\r\n\r\n"],
    ["another protocol", "GET / HTCPCP/1.0\r\n\r\n"],
    ["a version with two digits", "GET / HTTP/1.10\r\n\r\n"],
    ["a TLS hello", "\x16\x03\x01\x02\x00\x01\x00"],
  ])("is refused with %s", (_name, text) => {
    expect(parse(text).state).toBe("malformed");
  });

  it.each(["GET / HTTP/2.0\r\n\r\n", "GET / HTTP/1.2\r\n\r\n"])("names an unknown version: %j", (text) => {
    expect(parse(text).state).toBe("version");
  });

  it("has a bounded number of fields", () => {
    const fields = (count: number) => Array.from({ length: count }, (_, i) => `x${i}: 1\r\n`).join("");
    expect(parse(`GET / HTTP/1.1\r\n${fields(100)}\r\n`).state).toBe("whole");
    expect(parse(`GET / HTTP/1.1\r\n${fields(101)}\r\n`).state).toBe("too-many");
  });
});

const char = (chars: string) => fc.constantFrom(...chars);
const text = (chars: string, minLength: number, maxLength: number) =>
  fc.array(char(chars), { minLength, maxLength }).map((list) => list.join(""));
const tokenChars = "abcXYZ019!#$%&'*+-.^_`|~";
const valueChars = `${tokenChars} \t"(),/:;<=>?@[]{}\\\x80\xff`;
const fieldLine = fc.tuple(text(tokenChars, 1, 12), text(valueChars, 0, 20));
const goodHead = fc
  .tuple(fc.constantFrom("GET", "POST", "DELETE"), text("/abc%20?&=;.~", 0, 30), fc.array(fieldLine, { maxLength: 12 }))
  .map(([method, target, fields]) => {
    // Names that change how Node reads the rest are compared elsewhere.
    const lines = fields.map(([name, value]) => `X${name}:${value}\r\n`).join("");
    return `${method} /${target} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
  });

describe("any head", () => {
  it("that is valid is read as Node reads it", async () => {
    await fc.assert(
      fc.asyncProperty(goodHead, async (head) => {
        const node = await nodeVerdict(head);
        const ours = parse(head);
        expect(ours.state).toBe("whole");
        expect(node).toMatchObject({ accepted: true, method: ours.method, url: ours.target });
        const lower = node.rawHeaders.map((item, i) => (i % 2 === 0 ? item.toLowerCase() : item));
        expect(ours.fields).toEqual(lower);
      }),
      { numRuns: 150 },
    );
  });

  it("means the same in whichever pieces it comes", () => {
    fc.assert(
      fc.property(goodHead, fc.array(fc.nat(400), { maxLength: 8 }), (head, cuts) => {
        const bytes = Buffer.from(`${head}rest`, "latin1");
        const whole = parse(bytes);
        const parser = new RequestParser(100);
        const lengths = [...new Set([...cuts.map((cut) => cut % bytes.length), bytes.length])].sort((a, b) => a - b);
        for (const length of lengths) {
          const state = parser.parse(bytes, 0, length);
          expect(state).toBe(length < head.length ? "partial" : "whole");
        }
        expect({ end: parser.end, fields: parser.fields }).toEqual({ end: whole.end, fields: whole.fields });
      }),
      { numRuns: 500 },
    );
  });

  it("that was damaged never throws, and is accepted only where Node accepts it, with the same meaning", async () => {
    const damage = fc.tuple(fc.nat(300), fc.constantFrom("replace", "insert", "delete"), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(goodHead, fc.array(damage, { minLength: 1, maxLength: 3 }), async (head, damages) => {
        let bytes = Buffer.from(head, "latin1");
        for (const [at, how, octet] of damages) {
          const cut = at % bytes.length;
          const inserted = how === "delete" ? [] : [octet];
          bytes = Buffer.concat([
            bytes.subarray(0, cut),
            Buffer.from(inserted),
            bytes.subarray(how === "insert" ? cut : cut + 1),
          ]);
        }
        const ours = parse(bytes);
        // Methods that Node does not know and targets without a slash are judged by a layer of ours.
        const known = ["GET", "POST", "DELETE"].includes(ours.method ?? "") && ours.target?.startsWith("/") === true;
        fc.pre(ours.state === "whole" && known);
        const node = await nodeVerdict(bytes.toString("latin1"));
        expect(node).toMatchObject({ accepted: true, method: ours.method, url: ours.target });
      }),
      { numRuns: 300 },
    );
  });
});

import { describe, expect, it } from "vitest";
import { ResponseParser } from "../../src/data/http1/response-parser.ts";

function parse(text: string) {
  const bytes = Buffer.from(text, "latin1");
  const parser = new ResponseParser(10);
  const state = parser.parse(bytes, 0, bytes.length);
  const { status, minorVersion, fields, end } = parser;
  return state === "whole" ? { state, status, minorVersion, fields, end } : { state };
}

const valid = "HTTP/1.1 200 All Right\r\nContent-Type: text/plain\r\nX-A: b \r\n\r\n";

describe("the head of an answer", () => {
  it("is read with names in lower case", () => {
    const fields = ["content-type", "text/plain", "x-a", "b"];
    expect(parse(`${valid}body`)).toEqual({ state: "whole", status: 200, minorVersion: 1, fields, end: valid.length });
  });

  it.each(["HTTP/1.0 204 \r\n\r\n", "HTTP/1.0 204\r\n\r\n"])("needs no reason: %j", (text) => {
    expect(parse(text)).toMatchObject({ state: "whole", status: 204, minorVersion: 0 });
  });

  it("is not whole before its last octet", () => {
    for (let length = 0; length < valid.length; length++) expect(parse(valid.slice(0, length)).state).toBe("partial");
  });

  it.each([
    "HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/1.2 200 OK\r\n\r\n",
    "http/1.1 200 OK\r\n\r\n",
    "ICY 200 OK\r\n\r\n",
    "HTTP/1.1  200 OK\r\n\r\n",
    "HTTP/1.1 20 OK\r\nA: b\r\n\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 099 OK\r\n\r\n",
    "HTTP/1.1 600 OK\r\n\r\n",
    "HTTP/1.1 200 OK\nA: b\r\n\r\n",
    "HTTP/1.1 200 OK\rSet-Cookie: a\r\n\r\n",
    "HTTP/1.1 200 O\0K\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA: b\nSet-Cookie: a\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA: b\rSet-Cookie: a\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
  ])("is refused: %j", (text) => {
    expect(parse(text).state).toBe("malformed");
  });

  it("has a bounded number of fields", () => {
    expect(parse(`HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(11)}\r\n`).state).toBe("too-many");
  });
});

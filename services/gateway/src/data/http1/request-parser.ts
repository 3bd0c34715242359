import { FieldLines } from "./field-lines.ts";
import { isTargetOctet, isTokenOctet } from "./octets.ts";

/** `version`: HTTP, but neither 1.1 nor 1.0. */
export type RequestParse = "whole" | "partial" | "malformed" | "too-many" | "version";

const lf = 10;
const cr = 13;
const space = 32;
const http1 = Buffer.from("HTTP/1.");

/** Longest method there is any use for; an endless one is not waited for. */
const methodCharsMax = 24;

/**
 * Reads the head of a request (RFC 9112 sections 2 to 5), stricter than the standard asks: one space between the parts of the
 * request line, CRLF only. One empty line before it is let pass. A head that is not whole is read again from its start
 * when more has come. One object serves a connection; it holds the result of the last reading.
 */
export class RequestParser {
  readonly #fields: FieldLines;
  method = "";
  target = "";
  minorVersion: 0 | 1 = 1;
  /** Name in lower case and value in turn. */
  fields: string[] = [];
  /** Where the head ends in the bytes. */
  end = 0;
  problem = "";

  constructor(fieldsMax: number) {
    this.#fields = new FieldLines(fieldsMax);
  }

  /** `bytes` from `from` to `to`. */
  parse(bytes: Buffer, from: number, to: number): RequestParse {
    const start = afterEmptyLine(bytes, from, to);
    let at = start;
    while (at < to && isTokenOctet[bytes[at] as number] === 1) at++;
    if (at - start > methodCharsMax) return this.#malformed("the method is too long");
    if (at >= to) return "partial";
    // The first half of an empty line.
    if (bytes[at] === cr && at === from && at + 1 === to) return "partial";
    if (bytes[at] !== space || at === start) return this.#malformed("the request line does not begin with a method");
    const methodEnd = at++;
    const targetStart = at;
    while (at < to && isTargetOctet[bytes[at] as number] === 1) at++;
    if (at >= to) return "partial";
    if (bytes[at] !== space || at === targetStart) return this.#malformed("the request line has no proper target");
    const targetEnd = at++;
    const version = this.#version(bytes, at, to);
    if (version !== "whole") return version;
    const state = this.#fields.read(bytes, at + 10, to);
    if (state === "malformed") this.problem = this.#fields.problem;
    if (state !== "whole") return state;
    this.end = this.#fields.end;
    const text = bytes.toString("latin1", start, this.end);
    this.method = text.slice(0, methodEnd - start);
    this.target = text.slice(targetStart - start, targetEnd - start);
    this.fields = this.#fields.list(bytes, text, start);
    return "whole";
  }

  /** "HTTP/1.1" CRLF at `at`. */
  #version(bytes: Buffer, at: number, to: number): RequestParse {
    const length = Math.min(to - at, http1.length);
    for (let i = 0; i < length; i++)
      if (bytes[at + i] !== http1[i])
        return i === 5 ? "version" : this.#malformed("the request line names no HTTP version");
    if (to - at < 10) return "partial";
    const minor = (bytes[at + 7] as number) - 0x30;
    if (minor < 0 || minor > 9 || bytes[at + 8] !== cr || bytes[at + 9] !== lf)
      return this.#malformed("the request line does not end with an HTTP version");
    if (minor > 1) return "version";
    this.minorVersion = minor === 1 ? 1 : 0;
    return "whole";
  }

  #malformed(problem: string): "malformed" {
    this.problem = problem;
    return "malformed";
  }
}

function afterEmptyLine(bytes: Buffer, from: number, to: number): number {
  return from + 1 < to && bytes[from] === cr && bytes[from + 1] === lf ? from + 2 : from;
}

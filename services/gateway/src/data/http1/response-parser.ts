import { FieldLines } from "./field-lines.ts";
import { isValueOctet } from "./octets.ts";

const lf = 10;
const cr = 13;
const http1 = Buffer.from("HTTP/1.");

/** Reads the head of an answer (RFC 9112 section 4), as strictly as requests: a service must not split answers either. */
export class ResponseParser {
  readonly #fields: FieldLines;
  status = 0;
  minorVersion: 0 | 1 = 1;
  /** Name in lower case and value in turn. */
  fields: string[] = [];
  /** Where the head ends in the bytes. */
  end = 0;
  problem = "";

  constructor(fieldsMax: number) {
    this.#fields = new FieldLines(fieldsMax);
  }

  parse(bytes: Buffer, from: number, to: number): "whole" | "partial" | "malformed" | "too-many" {
    const length = Math.min(to - from, http1.length);
    for (let i = 0; i < length; i++)
      if (bytes[from + i] !== http1[i]) return this.#malformed("the answer does not begin with HTTP/1");
    // "HTTP/1.1 200 ": the space is there even without a reason phrase; some leave it out, which is harmless.
    if (to - from < 13) return "partial";
    const minor = bytes[from + 7];
    const status = threeDigits(bytes, from + 9);
    if ((minor !== 0x30 && minor !== 0x31) || bytes[from + 8] !== 0x20 || status < 100 || status > 599)
      return this.#malformed("the answer has no proper status line");
    let at = from + 12;
    if (bytes[at] === 0x20) while (at < to && isValueOctet[bytes[at] as number] === 1) at++;
    if (at + 1 >= to) return "partial";
    if (bytes[at] !== cr || bytes[at + 1] !== lf) return this.#malformed("the answer has no proper status line");
    const state = this.#fields.read(bytes, at + 2, to);
    if (state === "malformed") this.problem = this.#fields.problem;
    if (state !== "whole") return state;
    this.status = status;
    this.minorVersion = minor === 0x31 ? 1 : 0;
    this.end = this.#fields.end;
    this.fields = this.#fields.list(bytes, bytes.toString("latin1", at, this.end), at);
    return "whole";
  }

  #malformed(problem: string): "malformed" {
    this.problem = problem;
    return "malformed";
  }
}

function threeDigits(bytes: Buffer, at: number): number {
  let value = 0;
  for (let i = at; i < at + 3; i++) {
    const digit = (bytes[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

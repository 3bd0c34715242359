import { commonName } from "./field-names.ts";
import { isTokenOctet, isValueOctet } from "./octets.ts";

export type FieldLinesState = "whole" | "partial" | "malformed" | "too-many";

const tab = 9;
const lf = 10;
const cr = 13;
const space = 32;
const colon = 58;

/**
 * Reads field lines up to the empty line after them (RFC 9112 section 5), strictly: CRLF ends a line and nothing else
 * does, no folding, no space around the name. Finds where they are first and makes strings at the end, so that a head
 * which comes in pieces costs little. One object serves a connection; it holds the result of the last reading.
 */
export class FieldLines {
  readonly #countMax: number;
  /** Start and end of name and value, four numbers a line. */
  readonly #bounds: number[] = [];
  #count = 0;
  /** Why the lines are malformed. */
  problem = "";
  /** After the empty line. */
  end = 0;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** Looks at `bytes` from `from` to `to`, where the first line begins. */
  read(bytes: Uint8Array, from: number, to: number): FieldLinesState {
    const bounds = this.#bounds;
    let at = from;
    let count = 0;
    for (;;) {
      if (at >= to) return "partial";
      if (bytes[at] === cr) {
        if (at + 1 >= to) return "partial";
        if (bytes[at + 1] !== lf) return this.#malformed("a carriage return stands alone");
        this.end = at + 2;
        this.#count = count;
        return "whole";
      }
      const nameStart = at;
      while (at < to && isTokenOctet[bytes[at] as number] === 1) at++;
      if (at >= to) return "partial";
      if (bytes[at] !== colon || at === nameStart) return this.#malformed("a header line has no proper name");
      const nameEnd = at++;
      while (at < to && (bytes[at] === space || bytes[at] === tab)) at++;
      const valueStart = at;
      while (at < to && isValueOctet[bytes[at] as number] === 1) at++;
      if (at >= to) return "partial";
      if (bytes[at] !== cr) return this.#malformed("a header value has a character that is not allowed");
      let valueEnd = at;
      while (valueEnd > valueStart && (bytes[valueEnd - 1] === space || bytes[valueEnd - 1] === tab)) valueEnd--;
      if (at + 1 >= to) return "partial";
      if (bytes[at + 1] !== lf) return this.#malformed("a carriage return stands alone");
      at += 2;
      if (count === this.#countMax) return "too-many";
      const slot = count++ * 4;
      bounds[slot] = nameStart;
      bounds[slot + 1] = nameEnd;
      bounds[slot + 2] = valueStart;
      bounds[slot + 3] = valueEnd;
    }
  }

  /** Name in lower case and value in turn. `text`: the bytes from `textStart` on, one character each. */
  list(bytes: Uint8Array, text: string, textStart: number): string[] {
    const list: string[] = [];
    const bounds = this.#bounds;
    for (let slot = 0; slot < this.#count * 4; slot += 4) {
      const from = bounds[slot] as number;
      const to = bounds[slot + 1] as number;
      list.push(
        commonName(bytes, from, to) ?? text.slice(from - textStart, to - textStart).toLowerCase(),
        text.slice((bounds[slot + 2] as number) - textStart, (bounds[slot + 3] as number) - textStart),
      );
    }
    return list;
  }

  #malformed(problem: string): "malformed" {
    this.problem = problem;
    return "malformed";
  }
}

import { FieldLines } from "./field-lines.ts";
import { hexDigit, isValueOctet } from "./octets.ts";

export const chunkedLimits = {
  /** Digits of a chunk's size: 256 TiB. */
  sizeDigitsMax: 12,
  /** Chunk extensions of one body together; nobody needs them, floods are made of them (CVE-2023-39326). */
  extensionBytesMax: 4 * 1024,
  /** Trailer fields with their lines' ends. */
  trailerBytesMax: 16 * 1024,
  trailersMax: 100,
} as const;

type At = "size" | "extension" | "size-lf" | "data" | "data-cr" | "data-lf" | "trailers" | "done" | "broken";

const lf = 10;
const cr = 13;
const semicolon = 59;

/** Takes a chunked body apart (RFC 9112 section 7.1), piece by piece as it comes. Anything unusual breaks it for good. */
export class ChunkedDecoder {
  #at: At = "size";
  #left = 0;
  #digits = 0;
  #extensionBytes = 0;
  #pending: Buffer | undefined;
  /** Name in lower case and value in turn; there when `done`. */
  trailers: string[] = [];
  problem = "";

  get done(): boolean {
    return this.#at === "done";
  }

  get broken(): boolean {
    return this.#at === "broken";
  }

  /** Hands the content in `bytes` from `from` to `to` to `onData`; returns the position after what belonged to the body. */
  decode(bytes: Buffer, from: number, to: number, onData: (content: Buffer) => void): number {
    let at = from;
    while (at < to && this.#at !== "done" && this.#at !== "broken") {
      if (this.#at === "data") {
        const end = Math.min(to, at + this.#left);
        this.#left -= end - at;
        if (this.#left === 0) this.#at = "data-cr";
        const content = bytes.subarray(at, end);
        at = end;
        onData(content);
      } else if (this.#at === "trailers") at = this.#readTrailers(bytes, at, to);
      else this.#step(bytes[at++] as number);
    }
    return at;
  }

  #step(octet: number): void {
    switch (this.#at) {
      case "size":
        this.#size(octet);
        return;
      case "extension":
        if (octet === cr) this.#at = "size-lf";
        else if (isValueOctet[octet] === 0) this.#break("a chunk extension has a character that is not allowed");
        else if (++this.#extensionBytes > chunkedLimits.extensionBytesMax) this.#break("chunk extensions are too long");
        return;
      case "size-lf":
        if (octet !== lf) {
          this.#break("a chunk's size does not end with CRLF");
          return;
        }
        this.#at = this.#left === 0 ? "trailers" : "data";
        return;
      case "data-cr":
        if (octet !== cr) {
          this.#break("a chunk is longer than its size");
          return;
        }
        this.#at = "data-lf";
        return;
      default:
        if (octet !== lf) {
          this.#break("a chunk does not end with CRLF");
          return;
        }
        this.#at = "size";
        this.#digits = 0;
    }
  }

  #size(octet: number): void {
    const digit = hexDigit(octet);
    if (digit >= 0) {
      if (++this.#digits > chunkedLimits.sizeDigitsMax) {
        this.#break("a chunk's size is too large");
        return;
      }
      this.#left = this.#left * 16 + digit;
    } else if (this.#digits === 0) this.#break("a chunk has no size");
    else if (octet === cr) this.#at = "size-lf";
    else if (octet === semicolon) this.#at = "extension";
    else this.#break("a chunk's size is not hexadecimal");
  }

  #readTrailers(bytes: Buffer, from: number, to: number): number {
    const before = this.#pending?.length ?? 0;
    const all =
      this.#pending === undefined ? bytes.subarray(from, to) : Buffer.concat([this.#pending, bytes.subarray(from, to)]);
    const lines = new FieldLines(chunkedLimits.trailersMax);
    const state = lines.read(all, 0, all.length);
    if (state === "malformed") this.#break(lines.problem);
    else if (state === "too-many" || (state === "whole" ? lines.end : all.length) > chunkedLimits.trailerBytesMax)
      this.#break("the trailers are too large");
    if (state !== "whole" || this.broken) {
      this.#pending = Buffer.from(all);
      return to;
    }
    this.trailers = lines.list(all, all.toString("latin1", 0, lines.end), 0);
    this.#at = "done";
    this.#pending = undefined;
    return from + lines.end - before;
  }

  #break(problem: string): void {
    this.#at = "broken";
    this.problem = problem;
  }
}

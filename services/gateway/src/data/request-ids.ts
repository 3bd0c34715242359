import type { Clock } from "@plinth/kernel";
import type { RandomHex } from "./random-hex.ts";

/** The digit after the variant's two bits, by the character code of a random digit. */
const variants = Array.from({ length: 128 }, (_, code) => "89ab"[code & 3] as string);

/** Makes request ids: UUID version 7 (RFC 9562 section 5.7). */
export class RequestIds {
  readonly #clock: Clock;
  readonly #hex: RandomHex;
  #nowMs = -1;
  /** Everything up to the version; made once a millisecond. */
  #prefix = "";

  constructor(clock: Clock, hex: RandomHex) {
    this.#clock = clock;
    this.#hex = hex;
  }

  next(): string {
    const nowMs = Math.floor(this.#clock.now());
    if (nowMs !== this.#nowMs) {
      this.#nowMs = nowMs;
      const time = nowMs.toString(16).padStart(12, "0");
      this.#prefix = `${time.slice(0, 8)}-${time.slice(8)}-7`;
    }
    const digits = this.#hex.take(19);
    const variant = variants[digits.charCodeAt(18)];
    return `${this.#prefix}${digits.slice(0, 3)}-${variant}${digits.slice(3, 6)}-${digits.slice(6, 18)}`;
  }
}

import type { Random } from "@plinth/kernel";

/** Bytes drawn at once: drawing and formatting a few for each request costs more than all the rest of an id. */
const poolBytes = 4_000;

/** Random hexadecimal digits. */
export class RandomHex {
  readonly #random: Random;
  #pool = "";
  #used = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** `digits`: at most 8,000. */
  take(digits: number): string {
    if (this.#used + digits > this.#pool.length) {
      this.#pool = Buffer.from(this.#random.bytes(poolBytes)).toString("hex");
      this.#used = 0;
    }
    this.#used += digits;
    return this.#pool.slice(this.#used - digits, this.#used);
  }
}

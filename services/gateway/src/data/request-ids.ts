import { type Clock, formatUuidV7, type Random } from "@plinth/kernel";

/** Random bytes drawn at once: drawing ten for each request costs more than the rest of an id. */
const poolBytes = 4_000;
const idBytes = 10;

/** Makes request ids: UUID version 7. */
export class RequestIds {
  readonly #clock: Clock;
  readonly #random: Random;
  #pool: Uint8Array = new Uint8Array(0);
  #used = 0;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  next(): string {
    if (this.#used + idBytes > this.#pool.length) {
      this.#pool = this.#random.bytes(poolBytes);
      this.#used = 0;
    }
    const bytes = this.#pool.subarray(this.#used, this.#used + idBytes);
    this.#used += idBytes;
    return formatUuidV7(this.#clock.now(), bytes);
  }
}

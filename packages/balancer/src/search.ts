/** Instances that cannot be connected and are passed over before a pause: many go at once when a service shrinks. */
const unreachableMax = 10;
/** How long a call looks, in milliseconds; an instance that is cut off takes a connect timeout to tell. */
const searchMaxMs = 2_500;
/** Pauses, in milliseconds, when none of those listed can be reached: a list is behind by moments where instances end at once. */
const pausesMs = [50, 200] as const;

/**
 * One call's way to an instance that it can reach. Where no connection came about nothing was sent, so looking further is safe
 * for every call, and is no attempt at it.
 */
export class Search {
  readonly #endMs: number;
  #passedOver = 0;
  #pauses = 0;

  /** Begins when the first instance could not be reached, in milliseconds of the monotonic clock. */
  constructor(nowMs: number) {
    this.#endMs = nowMs + searchMaxMs;
  }

  /**
   * Milliseconds until the call goes on. 0: with an instance that it has not tried (`anyUntried`). More: with all that are
   * listed then, the tried ones too. Undefined: there is none.
   */
  next(anyUntried: boolean, nowMs: number): number | undefined {
    if (nowMs >= this.#endMs) return undefined;
    if (anyUntried && ++this.#passedOver < unreachableMax) return 0;
    this.#passedOver = 0;
    return pausesMs[this.#pauses++];
  }
}

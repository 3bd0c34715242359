/** Older answers count less: to 1/e after this long (Finagle's default for peak EWMA). */
const decayMs = 10_000;
/** What an endpoint is taken to need before it has answered, and long after: all the same, so that new ones get their share. */
const leastMs = 1;
/** A failure counts as an answer that took so long: an endpoint that refuses at once must not look like the quickest. */
const failureMs = 1_000;

/**
 * How quickly one endpoint answers: a moving average that is sensitive to peaks (Finagle, "Peak EWMA"). A slower answer than
 * the average replaces it, a quicker one moves it by the time since the last. Without answers it fades, so that a slow
 * endpoint is tried again.
 */
export class Latency {
  #averageMs = 0;
  #updatedMs = Number.NEGATIVE_INFINITY;

  answered(tookMs: number, nowMs: number): void {
    const weight = this.#weightAt(nowMs);
    const average = this.#averageMs * weight;
    this.#averageMs = tookMs > average ? tookMs : average + tookMs * (1 - weight);
    this.#updatedMs = nowMs;
  }

  failed(tookMs: number, nowMs: number): void {
    this.answered(Math.max(tookMs, failureMs), nowMs);
  }

  averageMs(nowMs: number): number {
    return Math.max(leastMs, this.#averageMs * this.#weightAt(nowMs));
  }

  /** Of what was known before. */
  #weightAt(nowMs: number): number {
    return Math.exp(-Math.max(0, nowMs - this.#updatedMs) / decayMs);
  }
}

import type { Random } from "@plinth/kernel";

export interface OutlierOptions {
  /** Failures in a row that eject an endpoint. Default 5 (Finagle's failure accrual). */
  failuresMax?: number;
  /** First ejection; each further one is twice as long. Default 1 s (Linkerd's least penalty). */
  baseEjectionMs?: number;
  /** Default 60 s (Linkerd's). */
  ejectionMaxMs?: number;
  /** Each ejection is up to half as long again, so that not all callers come back at once. */
  random?: Random;
}

/** After failures in a row, or after one while the last ejection was not made good. */
export type Ejection = "failures" | "probation";

const jitter = 0.5;

/** Whether one endpoint is worth sending to, judged by what happened to its last requests. Shared by all routes. */
export class Outlier {
  readonly #failuresMax: number;
  readonly #baseEjectionMs: number;
  readonly #ejectionMaxMs: number;
  readonly #random: Random | undefined;
  #failures = 0;
  #ejections = 0;
  #ejectedUntilMs = 0;

  constructor(options: OutlierOptions = {}) {
    this.#failuresMax = options.failuresMax ?? 5;
    this.#baseEjectionMs = options.baseEjectionMs ?? 1_000;
    this.#ejectionMaxMs = options.ejectionMaxMs ?? 60_000;
    this.#random = options.random;
  }

  isEjected(nowMs: number): boolean {
    return this.#ejectedUntilMs > nowMs;
  }

  /** Forgets the failures in a row at once, and the ejections one by one. */
  succeeded(): void {
    this.#failures = 0;
    if (this.#ejections > 0 && this.#ejectedUntilMs === 0) this.#ejections--;
    this.#ejectedUntilMs = 0;
  }

  /** Why this failure ejected the endpoint, when it did. After an ejection a single further failure is enough. */
  failed(nowMs: number): Ejection | undefined {
    this.#failures++;
    const onProbation = this.#ejectedUntilMs > 0;
    if ((this.#failures < this.#failuresMax && !onProbation) || this.isEjected(nowMs)) return undefined;
    const forMs = Math.min(this.#ejectionMaxMs, this.#baseEjectionMs * 2 ** this.#ejections);
    this.#failures = 0;
    this.#ejections++;
    this.#ejectedUntilMs = nowMs + forMs * (1 + jitter * (this.#random?.fraction() ?? 0));
    return onProbation ? "probation" : "failures";
  }
}

export interface OutlierOptions {
  /** Failures in a row that eject an endpoint. Default 5. */
  failuresMax?: number;
  /** First ejection; grows by itself with each further one. Default 5 s. */
  baseEjectionMs?: number;
  /** Default 60 s. */
  ejectionMaxMs?: number;
}

/** Whether one endpoint is worth sending to, judged by what happened to its last requests. Shared by all routes. */
export class Outlier {
  readonly #failuresMax: number;
  readonly #baseEjectionMs: number;
  readonly #ejectionMaxMs: number;
  #failures = 0;
  #ejections = 0;
  #ejectedUntilMs = 0;

  constructor(options: OutlierOptions = {}) {
    this.#failuresMax = options.failuresMax ?? 5;
    this.#baseEjectionMs = options.baseEjectionMs ?? 5_000;
    this.#ejectionMaxMs = options.ejectionMaxMs ?? 60_000;
  }

  isEjected(nowMs: number): boolean {
    return this.#ejectedUntilMs > nowMs;
  }

  succeeded(): void {
    this.#failures = 0;
    if (this.#ejections > 0 && this.#ejectedUntilMs === 0) this.#ejections--;
    this.#ejectedUntilMs = 0;
  }

  /** True when this failure ejected the endpoint. */
  failed(nowMs: number): boolean {
    if (++this.#failures < this.#failuresMax || this.isEjected(nowMs)) return false;
    this.#failures = 0;
    this.#ejections++;
    this.#ejectedUntilMs = nowMs + Math.min(this.#ejectionMaxMs, this.#baseEjectionMs * this.#ejections);
    return true;
  }
}

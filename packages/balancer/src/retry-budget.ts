import type { Clock } from "@plinth/kernel";

/** Bounds retries to a share of the calls, so that they cannot turn an outage into a storm. */
export interface RetryBudget {
  /** Counts a first attempt. */
  deposit(): void;
  /** True when a retry may be made and `spare` further ones are left; counts it. */
  withdraw(spare?: number): boolean;
  /** Retries that it allows now. */
  left(): number;
}

/** 20 % of the calls plus 10 a second over a window of 10 s, as in Finagle. */
const ratio = 0.2;
const perSecond = 10;
const windowMs = 10_000;

export function createRetryBudget(clock: Clock): RetryBudget {
  let balance = perSecond;
  let updatedMs = clock.monotonicMs();
  const max = perSecond * (windowMs / 1000);
  const refill = (): void => {
    const now = clock.monotonicMs();
    balance = Math.min(max, balance + ((now - updatedMs) / 1000) * perSecond);
    updatedMs = now;
  };
  return {
    left() {
      refill();
      return balance;
    },
    deposit() {
      refill();
      balance = Math.min(max, balance + ratio);
    },
    withdraw(spare = 0) {
      refill();
      if (balance < 1 + spare) return false;
      balance -= 1;
      return true;
    },
  };
}

import type { Clock } from "@plinth/kernel";

/** Lets `burst` through at once and `perSecond` in the long run. */
export interface TokenBucket {
  /** Takes a token and says after how many milliseconds it may be used; 0 while the burst lasts. */
  reserveMs(): number;
  /** Takes a token if one is there now. */
  tryTake(): boolean;
}

export function createTokenBucket(options: { perSecond: number; burst: number; clock: Clock }): TokenBucket {
  const { perSecond, burst, clock } = options;
  let tokens = burst;
  let atMs = clock.monotonicMs();

  function refill(): void {
    const nowMs = clock.monotonicMs();
    tokens = Math.min(burst, tokens + ((nowMs - atMs) / 1000) * perSecond);
    atMs = nowMs;
  }

  return {
    reserveMs() {
      refill();
      tokens -= 1;
      return tokens >= 0 ? 0 : (-tokens / perSecond) * 1000;
    },
    tryTake() {
      refill();
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}

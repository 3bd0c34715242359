import type { Random } from "@plinth/kernel";
import type { Latency } from "./latency.ts";
import type { Outlier } from "./outlier.ts";

/** What a choice goes by. */
export interface Candidate {
  readonly draining: boolean;
  readonly outlier: Outlier;
  readonly latency: Latency;
  /** Requests that it has not answered. */
  readonly inFlight: number;
}

/** Below this share of usable endpoints ejections are ignored (Envoy's panic threshold): the judgement is more likely wrong than all of them. */
const panicPercent = 50;

/**
 * Power of two choices: of two random usable endpoints the one that a further request costs less. Usable: not draining, not
 * ejected, not yet tried for this request. Draining ones are used when there are no others. Undefined when nothing is left.
 * `onPanic` is told when ejections are ignored. Allocates nothing: the gateway calls it for every request.
 */
export function pickEndpoint<T extends Candidate>(
  endpoints: readonly T[],
  tried: ReadonlySet<T> | readonly T[],
  nowMs: number,
  random: Random,
  onPanic?: () => void,
): T | undefined {
  if (endpoints.length === 1) {
    const only = endpoints[0] as T;
    return isIn(tried, only) ? undefined : only;
  }
  let serving = 0;
  let healthy = 0;
  for (const endpoint of endpoints) {
    if (endpoint.draining) continue;
    serving++;
    if (!endpoint.outlier.isEjected(nowMs)) healthy++;
  }
  const useDraining = serving === 0;
  const ignoreEjections = useDraining || healthy < serving * (panicPercent / 100);
  if (ignoreEjections && !useDraining) onPanic?.();
  let usable = 0;
  for (const endpoint of endpoints) if (isUsable(endpoint)) usable++;
  if (usable === 0) return endpoints.find((endpoint) => !isIn(tried, endpoint));
  const first = Math.floor(random.fraction() * usable);
  if (usable === 1) return nth(first);
  const second = (first + 1 + Math.floor(random.fraction() * (usable - 1))) % usable;
  const a = nth(first) as T;
  const b = nth(second) as T;
  return cost(b, nowMs) < cost(a, nowMs) ? b : a;

  function isUsable(endpoint: T): boolean {
    if (endpoint.draining && !useDraining) return false;
    return (ignoreEjections || !endpoint.outlier.isEjected(nowMs)) && !isIn(tried, endpoint);
  }
  function nth(index: number): T | undefined {
    let left = index;
    for (const endpoint of endpoints) if (isUsable(endpoint) && left-- === 0) return endpoint;
    return undefined;
  }
}

/** Milliseconds until one more request would be answered, more or less. */
const cost = ({ latency, inFlight }: Candidate, nowMs: number): number => latency.averageMs(nowMs) * (inFlight + 1);

const isIn = <T>(tried: ReadonlySet<T> | readonly T[], endpoint: T): boolean =>
  "has" in tried ? tried.has(endpoint) : tried.length > 0 && tried.includes(endpoint);

import type { Random } from "@plinth/kernel";
import type { Endpoint } from "./endpoint.ts";

/** Below this share of usable endpoints ejections are ignored: the judgement is more likely wrong than all of them. */
const panicShare = 0.5;

/**
 * Power of two choices: of two random usable endpoints the one with fewer requests in flight. Usable: not draining,
 * not ejected, not yet tried for this request. Undefined when nothing is left.
 */
export function pickEndpoint(
  endpoints: readonly Endpoint[],
  tried: readonly Endpoint[],
  nowMs: number,
  random: Random,
): Endpoint | undefined {
  if (endpoints.length === 1) {
    const only = endpoints[0] as Endpoint;
    return tried.includes(only) ? undefined : only;
  }
  const serving = endpoints.filter((endpoint) => !endpoint.draining);
  const pool = serving.length > 0 ? serving : endpoints;
  const healthy = pool.filter((endpoint) => !endpoint.outlier.isEjected(nowMs));
  const trusted = healthy.length >= pool.length * panicShare ? healthy : pool;
  const usable = tried.length === 0 ? trusted : trusted.filter((endpoint) => !tried.includes(endpoint));
  if (usable.length < 2) return usable[0] ?? pool.find((endpoint) => !tried.includes(endpoint));
  const first = Math.floor(random.fraction() * usable.length);
  const second = (first + 1 + Math.floor(random.fraction() * (usable.length - 1))) % usable.length;
  const a = usable[first] as Endpoint;
  const b = usable[second] as Endpoint;
  return b.inFlight < a.inFlight ? b : a;
}

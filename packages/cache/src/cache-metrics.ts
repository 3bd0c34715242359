import { type Meter, metrics } from "@opentelemetry/api";

/** Counts of one cache. */
export interface CacheMetrics {
  /** Answered from this process. */
  hit(): void;
  /** Answered from Redis. */
  farHit(): void;
  /** Loaded. */
  miss(): void;
  /** Loaded because Redis was away or too slow. */
  away(): void;
  /** What was stored could not be read. */
  unreadable(): void;
}

type Result = keyof CacheMetrics;
const labels: Readonly<Record<Result, string>> = {
  hit: "hit",
  farHit: "far_hit",
  miss: "miss",
  away: "away",
  unreadable: "unreadable",
};
const results = Object.keys(labels) as Result[];

/** By the cache's name; there are a handful. Plain numbers, read when somebody asks. */
const counts = new Map<string, Record<Result, number>>();
let observed = false;

/** The counters of the cache of this name, shown as plinth_cache_requests_total. */
export function cacheMetrics(cache: string, meter: Meter = metrics.getMeter("plinth.cache")): CacheMetrics {
  if (!observed) {
    observed = true;
    meter
      .createObservableCounter("plinth_cache_requests_total", { description: "Look-ups by what they found" })
      .addCallback((observer) => {
        for (const [name, count] of counts)
          for (const result of results) observer.observe(count[result], { cache: name, result: labels[result] });
      });
  }
  let count = counts.get(cache);
  if (count === undefined) {
    count = { hit: 0, farHit: 0, miss: 0, away: 0, unreadable: 0 };
    counts.set(cache, count);
  }
  const own = count;
  const counter = (result: Result) => () => void own[result]++;
  return {
    hit: counter("hit"),
    farHit: counter("farHit"),
    miss: counter("miss"),
    away: counter("away"),
    unreadable: counter("unreadable"),
  };
}

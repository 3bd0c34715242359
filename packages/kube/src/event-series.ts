import type { Clock } from "@plinth/kernel";
import { type KubeObject, objectKey } from "./resource.ts";
import { createTokenBucket, type TokenBucket } from "./token-bucket.ts";

export interface EventDraft {
  type: "Normal" | "Warning";
  /** CamelCase, for programs; at most 128 characters. */
  reason: string;
  /** What was done or tried, CamelCase; at most 128 characters. */
  action: string;
  /** For people; cut at 1 KiB. */
  note: string;
  related?: KubeObject;
}

/** An event and how often it happened. */
export interface EventSeries {
  regarding: KubeObject;
  event: EventDraft;
  count: number;
  firstAtMs: number;
  lastAtMs: number;
  /** Waits to be written. */
  queued: boolean;
  /** Under which name it was created. */
  written: { name: string; namespace: string } | undefined;
}

export interface EventSeriesTable {
  /** Counts the event and returns its series, or undefined when it need not be written now. */
  next(regarding: KubeObject, event: EventDraft): EventSeries | undefined;
}

/** After this long without a repetition the same event is a new one. */
const seriesMs = 600_000;
/** Per object: a burst of 25, then one in five minutes; client-go's figures. */
const burst = 25;
const perSecond = 1 / 300;
/** A repetition is written when it doubles the count or after this long. */
const rewriteMs = 60_000;
/** Objects and series remembered; the oldest are forgotten. */
const rememberedMax = 4_096;

export function createEventSeries(clock: Clock): EventSeriesTable {
  const series = new Map<string, EventSeries & { atMs: number; writtenCount: number; offeredAtMs: number }>();
  const buckets = new Map<string, TokenBucket>();

  function bucketOf(object: KubeObject): TokenBucket {
    const key = object.metadata.uid ?? objectKey(object.metadata);
    const bucket = buckets.get(key) ?? createTokenBucket({ perSecond, burst, clock });
    remember(buckets, key, bucket);
    return bucket;
  }

  return {
    next(regarding, event) {
      const nowMs = clock.monotonicMs();
      const key = JSON.stringify([
        regarding.kind,
        regarding.metadata.uid ?? objectKey(regarding.metadata),
        event.related?.metadata.uid,
        event.type,
        event.reason,
        event.action,
        event.note,
      ]);
      const known = series.get(key);
      if (known && nowMs - known.atMs <= seriesMs) {
        known.count++;
        known.atMs = nowMs;
        known.lastAtMs = clock.now();
        remember(series, key, known);
        const due = known.count >= 2 * known.writtenCount || nowMs - known.offeredAtMs >= rewriteMs;
        if (!due || known.queued || !bucketOf(regarding).tryTake()) return undefined;
        known.writtenCount = known.count;
        known.offeredAtMs = nowMs;
        return known;
      }
      if (!bucketOf(regarding).tryTake()) return undefined;
      const at = { firstAtMs: clock.now(), lastAtMs: clock.now(), atMs: nowMs, offeredAtMs: nowMs };
      const fresh = { regarding, event, count: 1, ...at, queued: false, written: undefined, writtenCount: 1 };
      remember(series, key, fresh);
      return fresh;
    },
  };
}

/** A Map as a least-recently-used table. */
function remember<V>(table: Map<string, V>, key: string, value: V): void {
  table.delete(key);
  table.set(key, value);
  for (const oldest of table.keys()) {
    if (table.size <= rememberedMax) return;
    table.delete(oldest);
  }
}

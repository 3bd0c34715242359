import { hash } from "node:crypto";
import type { Clock, Random } from "@plinth/kernel";
import type { Redis } from "ioredis";
import type { Cache, Codec } from "../cache.ts";
import { type CacheMetrics, cacheMetrics } from "../cache-metrics.ts";
import { createLostInvalidations } from "./lost-invalidations.ts";
import type { RedisLink } from "./redis-link.ts";
import { createScript } from "./script.ts";

export interface RedisCacheOptions<V> {
  name: string;
  link: RedisLink;
  /** Of all keys. */
  prefix: string;
  codec: Codec<V>;
  ttlMs: number;
  clock: Clock;
  random: Random;
  /** A look-up or a store; then the caller goes on without Redis. Default 50. */
  commandBudgetMs?: number | undefined;
  metrics?: CacheMetrics;
}

/** An invalidation; then it counts as lost, and nothing is served from Redis before it is done. */
const invalidationBudgetMs = 250;
/** Clearing, which looks at all keys; the same afterwards. */
const clearBudgetMs = 5_000;
/** Who has the lease of a key may store its value; others wait for that value a little and load for themselves then. */
const leaseMs = 5_000;
const leasePausesMs = [5, 10, 15, 20];
/** Larger values are not stored. */
const valueBytesMax = 256 * 1024;
/** Keys of invalidations that Redis has not confirmed; beyond it the whole cache is cleared. */
const lostMax = 10_000;

/** First byte of what a key holds: a lease with its holder's token, a value, or the knowledge that there is none. */
const [leaseTag, valueTag, absentTag] = ["L", "V", "A"];

/** Stores for as long as is left of the time to live since the lease was granted, by Redis's own clock. */
const storeScript = createScript(`
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
local left = tonumber(ARGV[3]) - (tonumber(ARGV[4]) - redis.call("PTTL", KEYS[1]))
if left < 1 then return redis.call("DEL", KEYS[1]) end
redis.call("SET", KEYS[1], ARGV[2], "PX", left)
return 1`);
const releaseScript = createScript(
  `if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0`,
);

type Found<V> =
  | { kind: "value"; value: V }
  /** `own`: this call got it and has to load. */
  | { kind: "lease"; token: string; own: boolean }
  /** Redis is away or slow, or holds what cannot be read. */
  | { kind: "nothing" };

/**
 * Cache in Redis 7 or newer, shared by processes. A key holds a value or a lease. The look-up (one SET NX GET) returns what
 * is there or leaves the caller's lease; only who still has it can store. Deleting the key therefore takes back a load that is
 * under way in any process, and of many processes that miss at once one stores and the others wait for it, 50 ms at most.
 *
 * While Redis is away calls load, and the loads of one process are shared. Until an invalidation that Redis did not confirm
 * is done, this process loads; other processes may serve the old value until then, `ttlMs` at most.
 */
export function createRedisCache<V>(options: RedisCacheOptions<V>): Cache<V> {
  const { name, link, prefix, codec, ttlMs, clock, random, commandBudgetMs = 50 } = options;
  const metrics = options.metrics ?? cacheMetrics(name);
  const call = link.caller(`cache ${name}`, commandBudgetMs);
  const invalidation = link.caller(`invalidate ${name}`, invalidationBudgetMs);
  const clearing = link.caller(`clear ${name}`, clearBudgetMs);
  const space = `${prefix}cache:${name}:`;
  // A digest: of one length whatever the key, and nothing personal in it.
  const keyOf = (key: string) => space + hash("sha256", key, "base64url");
  const holder = leaseTag + Buffer.from(random.bytes(9)).toString("base64url");
  let leases = 0;
  /** Loads under way in this process, each with the lease that they belong to; "" without Redis. */
  const flights = new Map<string, { token: string; value: Promise<V> }>();
  const lost = createLostInvalidations(lostMax);
  let redoing = false;

  /** Until it is done nothing is served from Redis; a connection that is lost meanwhile has it done by the next one. */
  function redoLost(redis: Redis): void {
    if (redoing || lost.isEmpty()) return;
    redoing = true;
    const { keys, everything, done } = lost.take();
    const work = everything ? deleteSpace(redis, space) : Promise.all(keys.map((key) => redis.unlink(key)));
    work
      .then(done, () => {})
      .finally(() => {
        redoing = false;
      });
  }
  link.prepare(async (redis) => redoLost(redis));

  async function lookUp(key: string): Promise<Found<V>> {
    if (!lost.isEmpty()) {
      metrics.away();
      void clearing(async (redis) => redoLost(redis))?.catch(() => {});
      return { kind: "nothing" };
    }
    const token = `${holder}.${++leases}`;
    let reply: Promise<Buffer | null> | undefined;
    const asked = call((redis) => {
      reply = redis.setBuffer(key, token, "PX", leaseMs, "NX", "GET");
      return reply;
    });
    if (asked === undefined) {
      metrics.away();
      return { kind: "nothing" };
    }
    let held: Buffer | null;
    try {
      held = await asked;
    } catch {
      metrics.away();
      // Nobody loads under a lease that is granted too late.
      reply?.then((late) => late === null && release(key, token)).catch(() => {});
      return { kind: "nothing" };
    }
    if (held === null) return { kind: "lease", token, own: true };
    return held[0] === leaseTag.charCodeAt(0)
      ? { kind: "lease", token: held.toString("latin1"), own: false }
      : read(key, held);
  }

  function read(key: string, held: Buffer): Found<V> {
    try {
      return { kind: "value", value: decode(held) };
    } catch {
      metrics.unreadable();
      call((redis) => redis.unlink(key))?.catch(() => {});
      return { kind: "nothing" };
    }
  }

  const decode = (held: Buffer): V =>
    held[0] === absentTag.charCodeAt(0) ? (undefined as V) : codec.decode(held.subarray(1));

  function encode(value: V): Buffer | undefined {
    if (value === undefined || value === null) return Buffer.from(absentTag);
    const bytes = codec.encode(value);
    return bytes.length > valueBytesMax ? undefined : Buffer.concat([Buffer.from(valueTag), bytes]);
  }

  const release = async (key: string, token: string) =>
    void (await call((redis) => releaseScript.run(redis, key, token))?.catch(() => {}));

  async function loadAndStore(key: string, token: string, load: () => Promise<V>): Promise<V> {
    metrics.miss();
    let value: V;
    try {
      value = await load();
    } catch (err) {
      await release(key, token);
      throw err;
    }
    const bytes = encode(value);
    if (bytes === undefined) await release(key, token);
    else await call((redis) => storeScript.run(redis, key, token, bytes, ttlMs, leaseMs))?.catch(() => {});
    return value;
  }

  /** Somebody else loads: waits for what they store, and loads without storing when that takes long. */
  async function waitOrLoad(key: string, load: () => Promise<V>): Promise<V> {
    for (const pauseMs of leasePausesMs) {
      await clock.sleep(pauseMs);
      const found = await lookUp(key);
      if (found.kind === "value") {
        metrics.farHit();
        return found.value;
      }
      if (found.kind === "nothing") break;
      if (found.own) return loadAndStore(key, found.token, load);
    }
    metrics.miss();
    return load();
  }

  /** One load at a time for one lease. */
  function fly(key: string, token: string, work: () => Promise<V>): Promise<V> {
    const known = flights.get(key);
    if (known?.token === token) return known.value;
    const flight = { token, value: work() };
    flights.set(key, flight);
    const landed = () => {
      if (flights.get(key) === flight) flights.delete(key);
    };
    flight.value.then(landed, landed);
    return flight.value;
  }

  return {
    async getOrLoad(name, load) {
      const key = keyOf(name);
      const found = await lookUp(key);
      if (found.kind === "value") {
        metrics.farHit();
        return found.value;
      }
      if (found.kind === "nothing") return fly(key, "", load);
      const { token, own } = found;
      return fly(key, token, () => (own ? loadAndStore(key, token, load) : waitOrLoad(key, load)));
    },
    async invalidate(name) {
      const key = keyOf(name);
      flights.delete(key);
      const sent = invalidation((redis) => redis.unlink(key));
      if (sent === undefined) lost.add(key);
      else await sent.catch(() => lost.add(key));
      flights.delete(key);
    },
    async clear() {
      flights.clear();
      const sent = clearing((redis) => deleteSpace(redis, space));
      if (sent === undefined) lost.addAll();
      else await sent.catch(() => lost.addAll());
      flights.clear();
    },
  };
}

/** Keys looked at by one SCAN. */
const scanCount = 1_000;

/** Leases are keys too: loads under way are not kept. */
async function deleteSpace(redis: Redis, space: string): Promise<void> {
  const pattern = `${space.replace(/[\\*?[\]]/g, "\\$&")}*`;
  let cursor = "0";
  do {
    const [next, keys] = await redis.scan(cursor, "MATCH", pattern, "COUNT", scanCount);
    if (keys.length > 0) await redis.unlink(keys);
    cursor = next;
  } while (cursor !== "0");
}

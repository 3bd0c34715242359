import { hash } from "node:crypto";
import type { Clock, Random } from "@plinth/kernel";
import type { Redis } from "ioredis";
import type { Cache, Codec } from "../cache.ts";
import { type CacheMetrics, cacheMetrics } from "../cache-metrics.ts";
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

/** An invalidation; then the connection is given up, and the next one begins with it. */
const invalidationBudgetMs = 250;
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
 * While Redis is away calls load, and the loads of one process are shared. An invalidation that Redis did not confirm is
 * done first on the next connection of this process; other processes may serve the old value until then, `ttlMs` at most.
 */
export function createRedisCache<V>(options: RedisCacheOptions<V>): Cache<V> {
  const { name, link, prefix, codec, ttlMs, clock, random, commandBudgetMs = 50 } = options;
  const metrics = options.metrics ?? cacheMetrics(name);
  const call = link.caller(`cache ${name}`, commandBudgetMs);
  const invalidation = link.caller(`invalidate ${name}`, invalidationBudgetMs);
  const space = `${prefix}cache:${name}:`;
  // A digest: of one length whatever the key, and nothing personal in it.
  const keyOf = (key: string) => space + hash("sha256", key, "base64url");
  const holder = leaseTag + Buffer.from(random.bytes(9)).toString("base64url");
  let leases = 0;
  /** Loads under way in this process, each with the lease that they belong to; "" without Redis. */
  const flights = new Map<string, { token: string; value: Promise<V> }>();
  const lost = new Set<string>();
  let lostAll = false;

  link.prepare(redoLost, () => lostAll || lost.size > 0);

  async function redoLost(redis: Redis): Promise<void> {
    const [keys, all] = [[...lost], lostAll];
    lost.clear();
    lostAll = false;
    try {
      if (all) await deleteSpace(redis, space);
      else for (const key of keys) await redis.unlink(key);
    } catch (err) {
      for (const key of keys) lost.add(key);
      lostAll ||= all;
      throw err;
    }
  }

  async function lookUp(key: string): Promise<Found<V>> {
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

  /** Does it now, or gives up the connection, so that nothing is served before it is done. */
  async function deleteFor(work: (redis: Redis) => Promise<unknown>, remember: () => void): Promise<void> {
    const done = invalidation(work);
    if (done === undefined) return remember();
    await done.catch((err: Error) => {
      remember();
      link.reset(err);
    });
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
      await deleteFor(
        (redis) => redis.unlink(key),
        () => {
          if (lost.size < lostMax) lost.add(key);
          else lostAll = true;
        },
      );
      flights.delete(key);
    },
    async clear() {
      flights.clear();
      await deleteFor(
        (redis) => deleteSpace(redis, space),
        () => {
          lostAll = true;
        },
      );
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

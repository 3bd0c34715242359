import { jsonCodec } from "@plinth/cache";
import { readConfig, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { eventually } from "@plinth/testing";
import { testRedis, whyNoRedis } from "@plinth/testing/redis";
import { describe, expect, onTestFinished, test } from "vitest";
import { composeCaches } from "../src/compose-caches.ts";
import { baseConfig, redisConfig } from "../src/service-config.ts";

const missing = whyNoRedis();
const common = { instanceId: "test", logger: silentLogger, clock: systemClock, random: systemRandom };
const codec = jsonCodec<string>((value): value is string => typeof value === "string");
const words = { name: "words", ttlMs: 60_000, entriesMax: 10, codec };

function compose(env: Record<string, string>, qualifiedName = "notes") {
  const spec = env["PLINTH_CACHE_DRIVER"] === "redis" ? { ...baseConfig, ...redisConfig } : baseConfig;
  return composeCaches({ ...common, config: readConfig(spec, env), qualifiedName });
}

test("without further configuration caches are in the process", async () => {
  const { caches, redis } = await compose({});
  expect(redis).toBe(undefined);
  const cache = caches.create(words);
  expect(await cache.getOrLoad("k", async () => "one")).toBe("one");
  expect(await cache.getOrLoad("k", async () => "two")).toBe("one");
});

test("the driver redis wants a URL, and TLS where there is an authority for it", async () => {
  const driver = { PLINTH_CACHE_DRIVER: "redis" };
  expect(() => compose(driver)).toThrow(/PLINTH_REDIS_URL is required/);
  expect(() => compose({ ...driver, PLINTH_REDIS_URL: "http://:secret@redis" })).toThrow(/redis or rediss(?!.*secret)/);
  const plain = { ...driver, PLINTH_REDIS_URL: "redis://redis", PLINTH_REDIS_CA_FILE: "/etc/ca.crt" };
  await expect(compose(plain)).rejects.toThrow(/PLINTH_REDIS_URL must begin with rediss:/);
});

describe.skipIf(missing)(`with a real Redis${missing ? ` (${missing})` : ""}`, () => {
  test("processes of one service share its caches, services do not", async () => {
    const { url, prefix } = testRedis();
    const env = { PLINTH_CACHE_DRIVER: "redis", PLINTH_REDIS_URL: url, PLINTH_REDIS_PREFIX: prefix };
    const open = async (qualifiedName: string) => {
      const { caches, redis } = await compose(env, qualifiedName);
      await redis?.link.start();
      onTestFinished(() => redis?.link.stop());
      return caches.create(words);
    };
    const [one, again, other] = [await open("notes"), await open("notes"), await open("notes.team-b")];
    // Redis may be away at first, and too slow for what a service gives it.
    let attempts = 0;
    await eventually(async () => {
      const key = `k${++attempts}`;
      await one.getOrLoad(key, async () => "of notes");
      expect(await again.getOrLoad(key, async () => "loaded again")).toBe("of notes");
      expect(await other.getOrLoad(key, async () => "of team b")).toBe("of team b");
    });
  });
});

import { randomBytes } from "node:crypto";
import { inject } from "vitest";

/** Why tests that need a Redis cannot run here; undefined when they can. For `describe.skipIf`. */
export function whyNoRedis(): string | undefined {
  const redis = inject("redis");
  return "missing" in redis ? redis.missing : undefined;
}

/** The run's Redis, and a prefix for keys that no other test has. */
export function testRedis(): { url: string; prefix: string } {
  const redis = inject("redis");
  if ("missing" in redis) throw new Error(redis.missing);
  return { url: redis.url, prefix: `test-${randomBytes(6).toString("hex")}:` };
}

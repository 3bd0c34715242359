import { hash } from "node:crypto";
import type { Redis } from "ioredis";

/** A Lua script of one key. Redis knows it by its SHA-1 after the first call, and again after it has forgotten its scripts. */
export interface RedisScript {
  run(redis: Redis, key: string, ...args: (string | number | Uint8Array)[]): Promise<unknown>;
}

export function createScript(lua: string): RedisScript {
  const sha = hash("sha1", lua);
  return {
    async run(redis, key, ...args) {
      const values = args as (string | number | Buffer)[];
      try {
        return await redis.evalsha(sha, 1, key, ...values);
      } catch (err) {
        if (!(err instanceof Error) || !err.message.startsWith("NOSCRIPT")) throw err;
        return redis.eval(lua, 1, key, ...values);
      }
    },
  };
}

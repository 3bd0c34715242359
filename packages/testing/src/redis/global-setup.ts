import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { redisProblem, startRedis } from "@plinth/local-servers";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    redis: { url: string } | { missing: string };
  }
}

/** One Redis for the whole run (it is there in a tenth of a second, so that nobody has to ask for it): PLINTH_TEST_REDIS, or the machine's own. Without any, tests that need it are left out. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env["PLINTH_TEST_REDIS"];
  if (given) {
    project.provide("redis", { url: given });
    return async () => {};
  }
  const missing = redisProblem(process.env);
  if (missing !== undefined) {
    project.provide("redis", { missing });
    return async () => {};
  }
  const directory = await mkdtemp(path.join(tmpdir(), "plinth-redis-"));
  const redis = await startRedis({ directory, clock: systemClock });
  project.provide("redis", { url: redis.url });
  return async () => {
    await redis.stop();
    await rm(directory, { recursive: true, force: true });
  };
}

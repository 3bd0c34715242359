import { redisProblem } from "@plinth/local-servers";
import type { TestProject } from "vitest/node";
import { chooseWay } from "../servers/either-way.ts";
import { images } from "../servers/images.ts";
import { startTestRedis } from "./start-test-redis.ts";

declare module "vitest" {
  interface ProvidedContext {
    redis: { url: string } | { missing: string };
  }
}

/** One Redis for the whole run (it is there in a tenth of a second, so that nobody has to ask for it): PLINTH_TEST_REDIS, a container, or the machine's own. Without any, tests that need it are left out. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env["PLINTH_TEST_REDIS"];
  if (given) {
    project.provide("redis", { url: given });
    return async () => {};
  }
  const way = await chooseWay(images.redis, process.env);
  const missing = way === "local" ? redisProblem(process.env) : undefined;
  if (missing !== undefined) {
    project.provide("redis", { missing });
    return async () => {};
  }
  const redis = await startTestRedis(process.env);
  project.provide("redis", { url: redis.url });
  return () => redis.stop();
}

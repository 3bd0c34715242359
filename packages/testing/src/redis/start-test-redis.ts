import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { startRedis } from "@plinth/local-servers";
import type { Environment } from "../servers/container-engine.ts";
import { type StartedServer, startEitherWay, type TestServer } from "../servers/either-way.ts";
import { images } from "../servers/images.ts";
import { startContainer } from "../servers/start-container.ts";

/** A Redis with a password and nothing in it, in one of the two ways. */
export const startTestRedis = (env: Environment): Promise<TestServer> =>
  startEitherWay({ image: images.redis, env, container: () => inContainer(env), local: onThisMachine });

async function inContainer(env: Environment): Promise<StartedServer> {
  const password = randomBytes(16).toString("hex");
  const command = ["redis-server", "--requirepass", password, "--save", "", "--appendonly", "no"];
  const { host, port, stop } = await startContainer({
    ...{ image: images.redis, port: 6379, ready: /Ready to accept connections/, command, env },
  });
  return { url: `redis://:${password}@${host}:${port}`, stop };
}

async function onThisMachine(): Promise<StartedServer> {
  const directory = await mkdtemp(path.join(tmpdir(), "plinth-redis-"));
  const redis = await startRedis({ directory, clock: systemClock });
  return {
    url: redis.url,
    async stop() {
      await redis.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import { redisProblem } from "@plinth/local-servers";
import { afterEach, describe, expect, test } from "vitest";
import { startTestRedis } from "../src/redis/start-test-redis.ts";
import { containerProblem, hasReaper } from "../src/servers/container-engine.ts";
import { chooseWay, startEitherWay } from "../src/servers/either-way.ts";
import { images } from "../src/servers/images.ts";

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const nowhere = { DOCKER_HOST: "unix:///nowhere/docker.sock" };

/** Answers as a container engine that has these images; returns what names it. */
async function engineWith(...names: string[]) {
  const server: Server = createServer((request, response) => {
    const known = names.some((name) => request.url === `/images/${name}/json`);
    const listed = request.url?.startsWith("/images/json")
      ? names.filter((name) => name.startsWith("testcontainers/"))
      : [];
    if (known || request.url?.startsWith("/images/json")) response.end(JSON.stringify(listed));
    else response.writeHead(404).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => new Promise((resolve) => server.close(resolve)));
  const address = server.address();
  return { DOCKER_HOST: `tcp://127.0.0.1:${typeof address === "object" ? address?.port : 0}` };
}

const url = async (answer: string) => ({ url: answer, stop: async () => {} });
const ways = { container: () => url("a container"), local: () => url("a process") };

describe("the way in which a test's server starts", () => {
  test("a container where an engine has the image, a process of this machine otherwise", async () => {
    const engine = await engineWith(images.redis);
    expect(await startEitherWay({ image: images.redis, env: engine, ...ways })).toMatchObject({
      ...{ way: "container", url: "a container" },
    });
    for (const [image, env] of [
      [images.kafka, engine],
      [images.redis, nowhere],
      [images.redis, { DOCKER_HOST: "ssh://elsewhere" }],
    ] as const)
      expect(await startEitherWay({ image, env, ...ways })).toMatchObject({ way: "local", url: "a process" });
  });

  test("says why there is no container", async () => {
    expect(await containerProblem(images.kafka, await engineWith(images.redis))).toContain(
      `docker pull ${images.kafka}`,
    );
    expect(await containerProblem(images.redis, nowhere)).toContain("no container engine answers at unix:///nowhere");
  });

  test("is as PLINTH_TEST_CONTAINERS demands", async () => {
    const engine = await engineWith(images.redis);
    expect(await chooseWay(images.redis, { ...engine, PLINTH_TEST_CONTAINERS: "0" })).toBe("local");
    expect(await chooseWay(images.redis, { ...nowhere, PLINTH_TEST_CONTAINERS: "1" })).toBe("container");
    await expect(chooseWay(images.redis, { PLINTH_TEST_CONTAINERS: "yes" })).rejects.toThrow("must be 1, 0 or absent");
  });

  test("is not changed by a failure", async () => {
    const container = async () => {
      throw new Error("no space left");
    };
    const started = startEitherWay({ image: images.redis, env: await engineWith(images.redis), ...ways, container });
    await expect(started).rejects.toThrow("PLINTH_TEST_CONTAINERS=0");
  });

  test("fetches no helper that the engine has not", async () => {
    expect(await hasReaper(await engineWith(images.redis))).toBe(false);
    expect(await hasReaper(await engineWith("testcontainers/ryuk"))).toBe(true);
  });
});

/** What the server answers to a PING after its password. */
async function ping(redis: string): Promise<string> {
  const { hostname, port, password } = new URL(redis);
  const socket = connect(Number(port), hostname);
  stops.push(async () => socket.destroy());
  socket.write(`AUTH ${password}\r\nPING\r\n`);
  let answer = "";
  for await (const chunk of socket.setEncoding("utf8")) {
    answer += chunk;
    if (answer.includes("PONG\r\n")) break;
  }
  return answer;
}

const noRedis = redisProblem(process.env);
test.skipIf(noRedis)(`without an engine Redis is this machine's own${noRedis ? ` (${noRedis})` : ""}`, async () => {
  const redis = await startTestRedis(nowhere);
  stops.push(redis.stop);
  expect(redis.way).toBe("local");
  expect(await ping(redis.url)).toBe("+OK\r\n+PONG\r\n");
});

const neither = noRedis && (await containerProblem(images.redis, process.env));
test.skipIf(neither)(
  `Redis starts in the way that is chosen here${neither ? ` (${noRedis}; ${neither})` : ""}`,
  { timeout: 120_000 },
  async () => {
    const redis = await startTestRedis(process.env);
    stops.push(redis.stop);
    expect(redis.way).toBe(await chooseWay(images.redis, process.env));
    expect(await ping(redis.url)).toBe("+OK\r\n+PONG\r\n");
  },
);

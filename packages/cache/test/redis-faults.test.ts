import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { type Logger, silentLogger, systemClock } from "@plinth/kernel";
import { type LocalRedis, startRedis } from "@plinth/local-servers";
import { eventually, selfSignedCertificate, startTcpProxy } from "@plinth/testing";
import { whyNoRedis } from "@plinth/testing/redis";
import { describe, expect, onTestFinished, test } from "vitest";
import { keysOf, observe, startProcess, textCache, untilUp } from "./redis-fixture.ts";

const missing = whyNoRedis();
const prefix = "faults:";

async function ownRedis(): Promise<{ redis: LocalRedis; restart(): Promise<LocalRedis> }> {
  const directory = await mkdtemp(path.join(tmpdir(), "plinth-redis-"));
  let redis = await startRedis({ directory, clock: systemClock });
  onTestFinished(async () => {
    process.kill(redis.pid, "SIGCONT");
    await redis.kill();
    await rm(directory, { recursive: true, force: true });
  });
  const port = Number(new URL(redis.url).port);
  const restart = async () => {
    redis = await startRedis({ directory, clock: systemClock, port });
    return redis;
  };
  return { redis, restart };
}

/** A logger that keeps its messages. */
function listeningLogger(): { logger: Logger; messages: string[] } {
  const messages: string[] = [];
  const keep = (_: object, message: string) => void messages.push(message);
  return { logger: { ...silentLogger, info: keep, warn: keep }, messages };
}

const counter = () => {
  let loads = 0;
  return async () => `v${++loads}`;
};

describe.skipIf(missing)(`when Redis fails${missing ? ` (${missing})` : ""}`, () => {
  test("killed: calls load, one line says so; started again: it is used, another line says so", async () => {
    const { redis, restart } = await ownRedis();
    const { logger, messages } = listeningLogger();
    const { caches, link } = await startProcess(redis.url, prefix, { logger });
    const cache = caches.create(textCache("texts"));
    const load = counter();
    const get = () => cache.getOrLoad("k", load);
    expect([await get(), await get()]).toEqual(["v1", "v1"]);
    expect(messages.at(-1)).toBe("Redis answers");
    // A slow machine may have taken more than one attempt.
    messages.length = 0;

    await redis.kill();
    await eventually(() => expect(link.isUp()).toBe(false));
    expect([await get(), await get()]).toEqual(["v2", "v3"]);

    await restart();
    await eventually(untilUp(link));
    // It has lost its scripts and its data.
    expect([await get(), await get()]).toEqual(["v4", "v4"]);
    expect(messages).toEqual([
      "Redis is away: values come from their sources, limits are counted in this process",
      "Redis answers",
    ]);
  });

  test("not there when the process starts: it starts, and uses Redis once it is there", async () => {
    const { redis, restart } = await ownRedis();
    await redis.kill();
    const { logger, messages } = listeningLogger();
    const { caches, link } = await startProcess(redis.url, prefix, { logger, startsAway: true });
    const cache = caches.create(textCache("texts"));
    expect(await cache.getOrLoad("k", async () => "v1")).toBe("v1");
    await restart();
    await eventually(untilUp(link));
    expect(await cache.getOrLoad("k", async () => "v2")).toBe("v2");
    expect(await cache.getOrLoad("k", async () => "v3")).toBe("v2");
    expect(messages[0]).toMatch(/^Redis is away/);
  });

  test("scripts forgotten: they are sent again", async () => {
    const { redis } = await ownRedis();
    const { caches } = await startProcess(redis.url, prefix);
    const cache = caches.create(textCache("texts"));
    await cache.getOrLoad("a", async () => "v1");
    await (await observe(redis.url)).script("FLUSH");
    await cache.getOrLoad("b", async () => "v1");
    expect(await cache.getOrLoad("b", async () => "v2")).toBe("v1");
  });

  test("answers nothing (a black hole): given up soon, calls load meanwhile, and it comes back by itself", async () => {
    const { redis } = await ownRedis();
    const { caches, link } = await startProcess(redis.url, prefix, { commandBudgetMs: 50 });
    const cache = caches.create(textCache("texts"));
    await eventually(async () => {
      let loads = 0;
      const load = async () => {
        loads++;
        return "stored";
      };
      await cache.getOrLoad("k", load);
      loads = 0;
      await cache.getOrLoad("k", load);
      expect(loads).toBe(0);
    });
    process.kill(redis.pid, "SIGSTOP");
    let calls = 0;
    await eventually(async () => {
      calls++;
      expect(await cache.getOrLoad("k", async () => "from its source")).toBe("from its source");
      expect(link.isUp()).toBe(false);
    });
    // Waits of 50 ms make 250 ms of silence; a slow machine may see the end of it some calls later.
    expect(calls).toBeLessThanOrEqual(10);
    process.kill(redis.pid, "SIGCONT");
    await eventually(async () => expect(await cache.getOrLoad("k", async () => "again")).toBe("stored"));
  });

  test("answers nothing from the start: the process starts all the same", async () => {
    const { redis } = await ownRedis();
    process.kill(redis.pid, "SIGSTOP");
    const { caches, link } = await startProcess(redis.url, prefix, { startsAway: true });
    expect(link.isUp()).toBe(false);
    expect(await caches.create(textCache("texts")).getOrLoad("k", async () => "v")).toBe("v");
    process.kill(redis.pid, "SIGCONT");
    await eventually(untilUp(link));
  });

  test("connections reset in the middle of commands: nobody waits, nobody fails", async () => {
    const { redis } = await ownRedis();
    const proxy = await startTcpProxy(redis.address);
    onTestFinished(() => proxy.close());
    const { caches, link } = await startProcess(redis.url.replace(/:\d+$/, `:${proxy.port}`), prefix);
    const cache = caches.create(textCache("texts"));
    const load = counter();
    expect(await cache.getOrLoad("k", load)).toBe("v1");
    for (let round = 0; round < 5; round++) {
      await eventually(untilUp(link));
      const asked = Array.from({ length: 20 }, (_, index) => cache.getOrLoad(`k${index}`, async () => `of ${index}`));
      proxy.reset();
      expect(await Promise.all(asked)).toEqual(Array.from({ length: 20 }, (_, index) => `of ${index}`));
    }
    await eventually(untilUp(link));
    expect(await cache.getOrLoad("k", load)).toBe("v1");
  });

  test("an invalidation that Redis did not get is done before this process is served from it again", async () => {
    const { redis } = await ownRedis();
    const proxy = await startTcpProxy(redis.address);
    onTestFinished(() => proxy.close());
    const cutOff = await startProcess(redis.url.replace(/:\d+$/, `:${proxy.port}`), prefix);
    const other = await startProcess(redis.url, prefix);
    const names = ["one", "all"] as const;
    const [one, all] = names.map((name) => cutOff.caches.create(textCache(name)));
    for (const cache of [one, all]) await cache?.getOrLoad("k", async () => "old");

    proxy.cut();
    await eventually(() => expect(cutOff.link.isUp()).toBe(false));
    await one?.invalidate("k");
    await all?.clear();
    // The documented bound: until then, or the end of their time, the others have what they have.
    for (const name of names)
      expect(await other.caches.create(textCache(name)).getOrLoad("k", async () => "new")).toBe("old");
    proxy.heal();
    await eventually(untilUp(cutOff.link));
    // The others hear of it although nobody asks this process for anything.
    const load = counter();
    for (const name of names)
      await eventually(async () =>
        expect(await other.caches.create(textCache(name)).getOrLoad("k", load)).not.toBe("old"),
      );
    for (const cache of [one, all])
      await eventually(async () => {
        const served = await cache?.getOrLoad("k", load);
        expect(served).not.toBe("old");
        expect(await cache?.getOrLoad("k", load)).toBe(served);
      });
    expect(await keysOf(await observe(redis.url), prefix)).toHaveLength(2);
  });

  test("an invalidation that is not answered is done when Redis answers again, and nothing is served before", async () => {
    const { redis } = await ownRedis();
    const { caches, link } = await startProcess(redis.url, prefix, { commandBudgetMs: 50 });
    const cache = caches.create(textCache("texts"));
    await cache.getOrLoad("k", async () => "old");
    process.kill(redis.pid, "SIGSTOP");
    await cache.invalidate("k");
    expect(await cache.getOrLoad("k", async () => "from its source")).toBe("from its source");
    process.kill(redis.pid, "SIGCONT");
    await eventually(untilUp(link));
    expect(await cache.getOrLoad("k", async () => "new")).toBe("new");
  });

  test("an invalidation that is refused: nothing is served until it could be done", async () => {
    const { redis } = await ownRedis();
    const observer = await observe(redis.url);
    const { caches } = await startProcess(redis.url, prefix);
    const cache = caches.create(textCache("texts"));
    for (const key of ["k", "other"]) await cache.getOrLoad(key, async () => "old");
    await observer.acl("SETUSER", "default", "-unlink");
    await cache.invalidate("k");
    for (const value of ["one", "two"]) expect(await cache.getOrLoad("k", async () => value)).toBe(value);
    await observer.acl("SETUSER", "default", "+unlink");
    // The rest is served again as soon as it is done.
    await eventually(async () => expect(await cache.getOrLoad("other", async () => "new")).toBe("old"));
    expect(await cache.getOrLoad("k", async () => "new")).toBe("new");
  });

  test("full and set to refuse writes: calls load", async () => {
    const { redis } = await ownRedis();
    const observer = await observe(redis.url);
    await observer.config("SET", "maxmemory", "1", "maxmemory-policy", "noeviction");
    const { caches, link } = await startProcess(redis.url, prefix);
    expect(await caches.create(textCache("texts")).getOrLoad("k", async () => "v")).toBe("v");
    expect(link.isUp()).toBe(true);
  });

  test("a wrong password is told", async () => {
    const { redis } = await ownRedis();
    // Said once: on a slow machine it may have been something else.
    await eventually(async () => {
      const told: unknown[] = [];
      const logger: Logger = { ...silentLogger, warn: ({ err }) => void told.push(err) };
      await startProcess(redis.url.replace(/:[0-9a-f]+@/, ":wrong@"), prefix, { logger, startsAway: true });
      expect(String(told[0])).toContain("WRONGPASS");
    });
  });
});

test.skipIf(missing)(`TLS with an authority of one's own${missing ? ` (${missing})` : ""}`, async () => {
  const { redis } = await ownRedis();
  const { cert, key } = selfSignedCertificate("localhost");
  const caFile = path.join(await mkdtemp(path.join(tmpdir(), "plinth-ca-")), "ca.crt");
  onTestFinished(() => rm(path.dirname(caFile), { recursive: true }));
  await writeFile(caFile, cert);
  const names: (string | false | null)[] = [];
  const server = createTlsServer({ cert, key }, (socket) => {
    names.push(socket.servername);
    socket.on("error", () => {});
    socket.pipe(connect(Number(new URL(redis.url).port), "127.0.0.1")).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const url = `rediss://:${new URL(redis.url).password}@localhost:${port}`;
  const trusting = await startProcess(url, prefix, { caFile });
  expect(trusting.link.isUp()).toBe(true);
  expect(new Set(names)).toEqual(new Set(["localhost"]));
  const wary = await startProcess(url, prefix, { startsAway: true });
  expect(wary.link.isUp()).toBe(false);
});

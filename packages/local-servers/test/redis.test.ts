import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { whyNoRedis } from "@plinth/testing/redis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findRedis, startRedis } from "../src/index.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "plinth-redis-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const missing = whyNoRedis();

describe.skipIf(missing)(`a Redis on this machine${missing ? ` (${missing})` : ""}`, () => {
  test("listens on loopback, wants its password, and is gone after its stop", async () => {
    const redis = await startRedis({ directory, clock: systemClock });
    try {
      const url = new URL(redis.url);
      expect([url.hostname, redis.address]).toEqual(["127.0.0.1", `127.0.0.1:${url.port}`]);
      const port = Number(url.port);
      expect(await ask(port, "PING")).toMatch(/^-NOAUTH/);
      expect(await ask(port, `AUTH ${url.password}\r\nCONFIG GET bind`)).toBe(
        "+OK\r\n*2\r\n$4\r\nbind\r\n$9\r\n127.0.0.1\r\n",
      );
      const commandLine = await readFile(`/proc/${redis.pid}/cmdline`, "latin1").catch(() => "");
      expect(commandLine).not.toContain(url.password);
      expect((await stat(path.join(directory, "redis.conf"))).mode & 0o077).toBe(0);
    } finally {
      await redis.stop();
    }
    expect(await redis.exited).toBe("exit code 0");
  });

  test("answers to the same URL when it is started again, and has forgotten everything", async () => {
    const first = await startRedis({ directory, clock: systemClock });
    const { port, password } = new URL(first.url);
    await ask(Number(port), `AUTH ${password}\r\nSET a 1`);
    await first.kill();
    const second = await startRedis({ directory, clock: systemClock, port: Number(port) });
    try {
      expect(second.url).toBe(first.url);
      expect(await ask(Number(port), `AUTH ${password}\r\nGET a`)).toBe("+OK\r\n$-1\r\n");
    } finally {
      await second.stop();
    }
  });
});

test("says what to install where there is none", () => {
  expect(() => findRedis({ PATH: directory })).toThrow(/apt-get install redis-server.*PLINTH_REDIS_SERVER/);
  expect(() => findRedis({ PLINTH_REDIS_SERVER: path.join(directory, "nothing") })).toThrow(
    /PLINTH_REDIS_SERVER names .*nothing/,
  );
});

test("finds Valkey as well", async () => {
  const [empty, bin] = [path.join(directory, "empty"), path.join(directory, "bin")];
  for (const folder of [empty, bin]) await mkdir(folder);
  await writeFile(path.join(bin, "valkey-server"), "", { mode: 0o700 });
  expect(findRedis({ PATH: `${empty}:${bin}` })).toBe(path.join(bin, "valkey-server"));
});

/** Sends inline commands and returns the answer. */
function ask(port: number, commands: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.end(`${commands}\r\n`));
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock, systemRandom } from "@plinth/kernel";
import { expect, onTestFinished, test } from "vitest";
import { keepPostgres } from "../src/local/postgres-keeper.ts";
import { serverPid } from "../src/local/stale-server.ts";

test("a server that is being started again while everything stops is stopped as well", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-keeper-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const dataDirectory = path.join(folder, "data");
  const restarting = Promise.withResolvers<void>();
  const keeper = await keepPostgres(
    { dataDirectory, logFile: path.join(folder, "log"), superuserPassword: "x", preferredPort: 54_460 },
    { say: () => {}, clock: { ...systemClock, sleep: async () => restarting.resolve() }, random: systemRandom },
  );
  process.kill(keeper.server.pid, "SIGKILL");
  await restarting.promise;
  await new Promise((resolve) => setImmediate(resolve));
  await keeper.stop();
  expect(await serverPid(dataDirectory)).toBeUndefined();
});

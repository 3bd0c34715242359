import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { eventually } from "@plinth/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startServerProcess } from "../src/index.ts";

/** Listens on a free port, tells it in a file and ends in order at SIGTERM, leaving a note. */
const program = `
  const { writeFileSync } = require("node:fs");
  const folder = process.argv[1];
  const server = require("node:net").createServer().listen(0, "127.0.0.1", () => {
    writeFileSync(folder + "/port", String(server.address().port));
  });
  process.on("SIGTERM", () => { writeFileSync(folder + "/ordered", "yes"); process.exit(0); });
`;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "plinth-server-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const start = (code = program, startTimeoutMs = 60_000) =>
  startServerProcess({
    name: "echo",
    command: process.execPath,
    args: ["-e", code, directory],
    directory,
    address: "127.0.0.1:0",
    isReady: async () => canConnect(Number(await readFile(path.join(directory, "port"), "utf8"))),
    startTimeoutMs,
    stopTimeoutMs: 60_000,
    clock: systemClock,
  });

const canConnect = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket.destroy() !== undefined));
    socket.on("error", () => resolve(false));
  });

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test("starts when it answers, and stops in order", async () => {
  const server = await start();
  expect(isAlive(server.pid)).toBe(true);
  await server.stop();
  expect(await server.exited).toBe("exit code 0");
  expect(await readFile(path.join(directory, "ordered"), "utf8")).toBe("yes");
  await server.stop();
});

test("ends the server that an earlier run left on its folder", async () => {
  const left = await start();
  const next = await start();
  await eventually(() => expect(isAlive(left.pid)).toBe(false));
  expect(isAlive(next.pid)).toBe(true);
  await next.kill();
  expect(await next.exited).toBe("ended by SIGKILL");
});

test("says why a server did not start, with the end of its log", async () => {
  await expect(start("console.error('disk is full'); process.exit(3)")).rejects.toThrow(
    /echo did not start \(exit code 3\); the end of .*echo\.log:\n {2}disk is full/,
  );
});

test("gives up on a server that does not answer, and ends it", async () => {
  await expect(start("setInterval(() => {}, 1000)", 200)).rejects.toThrow("did not answer within 0.2 s");
});

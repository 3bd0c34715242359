import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  AlreadyRunning,
  type ControlHandlers,
  control,
  openControlSocket,
  type PlatformStatus,
} from "../src/local/control-socket.ts";
import { localPaths } from "../src/local/local-paths.ts";

let folder: string;
let file: string;
const calls: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "plinth-control-"));
  file = path.join(folder, "run", "control.sock");
  calls.splice(0);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const status: PlatformStatus = {
  state: "ready",
  pid: 1,
  gatewayUrl: "http://127.0.0.1:8080",
  home: "/x",
  services: [],
};
const handlers: ControlHandlers = {
  status: () => status,
  apply: async (files) => void calls.push(`apply ${files.join(" ")}`),
  restart: async (name) => {
    throw new Error(`there is no service ${name} here`);
  },
  bus: async () => ({ PLINTH_BUS_DRIVER: "postgres" }),
  down: () => void calls.push("down"),
};

test("a running platform answers, takes files, says why it refuses, and stops when told", async () => {
  const socket = await openControlSocket(file, handlers);
  const client = control(file);
  expect(await client.status()).toEqual(status);
  expect(await client.apply(["/a.yaml", "/b.yaml"])).toEqual(status);
  await expect(client.restart("x")).rejects.toThrow("there is no service x here");
  await client.down();
  expect(calls).toEqual(["apply /a.yaml /b.yaml", "down"]);
  await socket.close();
  expect(await client.status()).toBeUndefined();
});

test("a platform that ends amid its answer is an error, and nobody waits for the rest", async () => {
  const server = createServer((request, response) => {
    response.writeHead(200, { "content-length": "100" }).write("{", () => request.socket.destroy());
  });
  await mkdir(path.dirname(file));
  await new Promise<void>((resolve) => server.listen(file, resolve));
  await expect(control(file).status()).rejects.toThrow("aborted");
  await new Promise((resolve) => server.close(resolve));
});

test("a caller that goes amid its request does no harm", async () => {
  const socket = await openControlSocket(file, handlers);
  const caller = connect(file);
  const gone = new Promise((resolve) => caller.once("close", resolve));
  caller.write("POST /apply HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{");
  // Once the second is answered, the first has been taken in.
  expect(await control(file).status()).toEqual(status);
  caller.destroy();
  await gone;
  expect(await control(file).status()).toEqual(status);
  await socket.close();
});

test("a second platform on the same data is refused while the first one lives", async () => {
  const socket = await openControlSocket(file, handlers);
  await expect(openControlSocket(file, handlers)).rejects.toThrow(AlreadyRunning);
  expect(await control(file).status()).toEqual(status);
  await socket.close();
});

test("what a killed run left in the socket's place is replaced", async () => {
  await (await openControlSocket(file, handlers)).close();
  await writeFile(file, "");
  expect(await control(file).status()).toBeUndefined();
  const socket = await openControlSocket(file, handlers);
  expect(await control(file).status()).toEqual(status);
  await socket.close();
});

test("a socket below a deep folder gets a short path, the same each time", async () => {
  const deep = path.join("/", "x".repeat(120));
  expect(Buffer.byteLength(localPaths(deep).controlSocket)).toBeLessThan(100);
  expect(localPaths(deep).controlSocket).toBe(localPaths(deep).controlSocket);
  expect(localPaths("/short").controlSocket).toBe("/short/run/control.sock");
});

import { createServer, type Server } from "node:net";
import { expect, test } from "vitest";
import { freePorts, isFree, pickPort } from "../src/local/ports.ts";

const listen = (port: number) =>
  new Promise<Server>((resolve) => {
    const server = createServer().listen(port, "127.0.0.1", () => resolve(server));
  });

test("a taken port is left alone and the next free one taken", async () => {
  const [port = 0] = await freePorts(1);
  expect(await pickPort(port)).toEqual({ port, moved: false });
  const server = await listen(port);
  expect(await isFree(port)).toBe(false);
  const picked = await pickPort(port);
  expect(picked.moved).toBe(true);
  expect(picked.port).toBeGreaterThan(port);
  await new Promise((resolve) => server.close(resolve));
});

test("free ports are all different", async () => {
  expect(new Set(await freePorts(50)).size).toBe(50);
});

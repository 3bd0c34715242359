import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { freePort, isFreePort } from "../src/index.ts";

test("ports are free, all different, and none that the system gives away by itself", async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, freePort));
  expect(new Set(ports).size).toBe(50);
  const range = "/proc/sys/net/ipv4/ip_local_port_range";
  const from = existsSync(range) ? Number.parseInt(readFileSync(range, "utf8"), 10) : 49_152;
  for (const port of ports) expect(port).toBeLessThan(from);
});

test("a port that somebody listens on is not free", async () => {
  const port = await freePort();
  expect(await isFreePort(port)).toBe(true);
  const server = createServer();
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  expect(await isFreePort(port)).toBe(false);
});

import { createServer, type Server } from "node:net";
import { freePort } from "@plinth/local-servers";
import { expect, test } from "vitest";
import { keepPort, pickPort } from "../src/local/ports.ts";

const listen = (port: number) =>
  new Promise<Server>((resolve) => {
    const server = createServer().listen(port, "127.0.0.1", () => resolve(server));
  });

test("a taken port is left alone and the next free one taken", async () => {
  const port = await freePort();
  expect(await pickPort(port)).toEqual({ port, moved: false });
  const server = await listen(port);
  const picked = await pickPort(port);
  expect(picked.moved).toBe(true);
  expect(picked.port).toBeGreaterThan(port);
  await new Promise((resolve) => server.close(resolve));
});

test.runIf(process.platform === "linux")(
  "a port that is kept is nobody else's, long before somebody listens on it",
  async () => {
    const wanted = await freePort();
    const first = await keepPort(wanted);
    expect(first).toMatchObject({ port: wanted, moved: false });
    const second = await keepPort(wanted);
    expect(second.moved).toBe(true);
    expect(second.port).toBeGreaterThan(wanted);
    first.release();
    const again = await keepPort(wanted);
    expect(again).toMatchObject({ port: wanted, moved: false });
    for (const kept of [second, again]) kept.release();
  },
);

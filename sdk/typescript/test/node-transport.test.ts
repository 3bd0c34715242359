import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { createPlinth } from "../src/node.ts";

test("a peer that takes connections and says nothing holds no call beyond its deadline", async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on("error", () => {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const plinth = createPlinth({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  try {
    const call = plinth.identity.getUser({ id: "x" }, { timeoutMs: 200 });
    await expect(call).rejects.toMatchObject({ code: "deadline_exceeded" });
    // Whether HTTP/2 passes was not known yet: what finds it out opens one connection, and later others.
    expect(sockets.length).toBeLessThan(2);
  } finally {
    plinth.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
});

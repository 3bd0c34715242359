import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { giveUpAfter } from "../src/give-up-after.ts";

test("what arrived while this process had no turn came in time", async () => {
  const given: string[] = [];
  let inTime = (): void => {};
  const server = createServer((socket) => {
    socket.write("answer");
    inTime = giveUpAfter(1, () => void given.push("up"));
    for (const begin = performance.now(); performance.now() - begin < 20; );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  await once(socket, "data");
  inTime();
  expect(given).toEqual([]);
});

test("what does not arrive is given up", async () => {
  await new Promise<void>((resolve) => void giveUpAfter(1, resolve));
});

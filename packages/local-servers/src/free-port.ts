import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Ports that no system gives to who connects or listens on port 0 (Linux from 32768, others from 49152): one that is kept
 * for a process that is still to start, or starts once more, is not gone by then. From 20000 on the gateway opens the ports of
 * Gateways, which it chooses by itself.
 */
const firstPort = 10_240;
const lastPort = 19_999;
const count = lastPort - firstPort + 1;

/** Processes that ask at the same time begin in places of their own. */
let next = randomInt(count);

/** A port of loopback that nobody listens on; none is given to one process twice before all have been. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < count; attempt++) {
    const port = firstPort + (next++ % count);
    if (await isFreePort(port)) return port;
  }
  throw new Error(`every port of 127.0.0.1 from ${firstPort} to ${lastPort} is taken`);
}

/** Whether a port of loopback can be listened on now. */
export function isFreePort(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

import { createServer } from "node:net";
import { freePort, isFreePort } from "@plinth/local-servers";
import { gatewaySharesPort } from "./local-service.ts";

export interface PickedPort {
  port: number;
  /** The wanted port was taken. */
  moved: boolean;
}

// How many ports after the wanted one are tried before any free one is taken.
const neighboursMax = 20;

const nothing = (): void => {};

/** The wanted port, or the next free one after it. */
export async function pickPort(wanted: number): Promise<PickedPort> {
  const { port, moved } = await firstFree(wanted, async () => nothing);
  return { port, moved };
}

export interface KeptPort extends PickedPort {
  release(): void;
}

/**
 * The same, kept until it is released: where the kernel hands connections of one port to two processes, platforms that start
 * together would otherwise find it free and serve each other's callers.
 */
export const keepPort = (wanted: number): Promise<KeptPort> => firstFree(wanted, keep);

/** `take` gives what ends the keeping of a port, or undefined where somebody else keeps it. */
async function firstFree(wanted: number, take: (port: number) => Promise<(() => void) | undefined>): Promise<KeptPort> {
  const last = Math.min(wanted + neighboursMax, 65_535);
  for (let port = wanted; port <= last; port++) {
    const release = await take(port);
    if (release === undefined) continue;
    if (await isFreePort(port)) return { port, moved: port !== wanted, release };
    release();
  }
  return { port: await freePort(), moved: true, release: nothing };
}

/** Takes the port's name among Linux's abstract sockets: one process of the machine has it, and it goes with that process. */
function keep(port: number): Promise<(() => void) | undefined> {
  if (!gatewaySharesPort) return Promise.resolve(nothing);
  return new Promise((resolve) => {
    const name = createServer((socket) => socket.destroy());
    name.once("error", (err: NodeJS.ErrnoException) => resolve(err.code === "EADDRINUSE" ? undefined : nothing));
    name.listen(`\0plinth-port-${port}`, () => resolve(() => void name.close()));
    name.unref();
  });
}

import { createServer } from "node:net";

/** Whether a loopback port can be listened on now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

export interface PickedPort {
  port: number;
  /** The wanted port was taken. */
  moved: boolean;
}

// How many ports after the wanted one are tried before the system chooses.
const neighboursMax = 20;

/** The wanted port, or the next free one after it. */
export async function pickPort(wanted: number): Promise<PickedPort> {
  const last = Math.min(wanted + neighboursMax, 65_535);
  for (let port = wanted; port <= last; port++) {
    if (await isFree(port)) return { port, moved: port !== wanted };
  }
  const [port] = await freePorts(1);
  return { port: port ?? 0, moved: true };
}

/** Ports that are free now, all different: they are held until the last one is known. */
export async function freePorts(count: number): Promise<number[]> {
  const held = await Promise.all(Array.from({ length: count }, () => hold()));
  await Promise.all(held.map((holder) => holder.release()));
  return held.map((holder) => holder.port);
}

function hold(): Promise<{ port: number; release: () => Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ port: 0, host: "127.0.0.1", exclusive: true }, () => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      resolve({ port, release: () => new Promise((done) => server.close(() => done())) });
    });
  });
}

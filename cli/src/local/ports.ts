import { freePort, isFreePort } from "@plinth/local-servers";

export interface PickedPort {
  port: number;
  /** The wanted port was taken. */
  moved: boolean;
}

// How many ports after the wanted one are tried before any free one is taken.
const neighboursMax = 20;

/** The wanted port, or the next free one after it. */
export async function pickPort(wanted: number): Promise<PickedPort> {
  const last = Math.min(wanted + neighboursMax, 65_535);
  for (let port = wanted; port <= last; port++) {
    if (await isFreePort(port)) return { port, moved: port !== wanted };
  }
  return { port: await freePort(), moved: true };
}

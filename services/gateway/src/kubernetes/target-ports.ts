/** Ports of the pods that lead to ports of Gateways. */
export const targetPorts = { first: 20_000, last: 29_999 } as const;

export interface AllocationInputs {
  /** Ports of the Gateway's listeners. */
  wanted: readonly number[];
  /** What it has already. */
  current: ReadonlyMap<number, number>;
  /** Ports of the pods that other Gateways have. */
  taken: ReadonlySet<number>;
  /**
   * The one that was given last: the search begins behind it, so that a port is not given again while callers of its
   * former Gateway remember it.
   */
  last: number;
}

/** Gives each port of a Gateway a port of the pods, and keeps those that it has. Throws when all are taken. */
export function allocateTargetPorts(inputs: AllocationInputs): ReadonlyMap<number, number> {
  const { wanted, current, taken } = inputs;
  const ports = new Map<number, number>();
  const used = new Set(taken);
  for (const port of wanted) {
    const kept = current.get(port);
    if (kept === undefined || used.has(kept) || !isInRange(kept)) continue;
    ports.set(port, kept);
    used.add(kept);
  }
  let { last } = inputs;
  for (const port of wanted) {
    if (ports.has(port)) continue;
    last = firstFree(used, after(last));
    ports.set(port, last);
    used.add(last);
  }
  return new Map([...ports].sort(([a], [b]) => a - b));
}

const isInRange = (port: number): boolean => port >= targetPorts.first && port <= targetPorts.last;

const after = (port: number): number => (isInRange(port) && port < targetPorts.last ? port + 1 : targetPorts.first);

function firstFree(used: ReadonlySet<number>, from: number): number {
  for (let port = from, tried = 0; tried <= targetPorts.last - targetPorts.first; port = after(port), tried++)
    if (!used.has(port)) return port;
  throw new Error("every port of the gateway's pods is taken by a listener");
}

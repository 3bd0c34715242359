interface Ends {
  partition: number;
  /** Offset after the last record, and of the first that is kept. */
  high: string;
  low: string;
}

/** What waits in each partition of a topic. Where nothing is committed yet, all that is kept waits. */
export function waitingIn(
  ends: readonly Ends[],
  committed: readonly { partition: number; offset: string }[],
): { partition: number; waiting: number }[] {
  const offsets = new Map(committed.map(({ partition, offset }) => [partition, Number(offset)]));
  return ends.map(({ partition, high, low }) => ({
    partition,
    waiting: Math.max(0, Number(high) - Math.max(offsets.get(partition) ?? 0, Number(low))),
  }));
}

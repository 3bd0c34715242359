/** Who numbers: a source its records, or the source's outbox relay its events. Each counts from 1 without gaps. */
export type Numbering = "records" | "events";

/** Numbers that are missing, both ends included. */
export interface Gap {
  first: bigint;
  last: bigint;
  /** When a later number arrived. */
  foundTime: Date;
}

export interface Arrival {
  number: bigint;
  /** Of the entry. */
  id: string;
}

export interface Counted {
  /** The highest number so far. */
  last: bigint;
  /** In ascending order, all below `last`. */
  gaps: readonly Gap[];
}

/**
 * What is missing once more numbers have arrived, in any order: what they skip is a gap from `now` on, and what comes late is
 * taken out of its gap. A number that was in none is used a second time, for another entry: the log stores an id once.
 */
export function receive(before: Counted, arrivals: readonly Arrival[], now: Date): Counted & { reused: Arrival[] } {
  const sorted = arrivals.toSorted((a, b) => (a.number < b.number ? -1 : a.number > b.number ? 1 : 0));
  const waiting = [...before.gaps].reverse();
  const gaps: Gap[] = [];
  const found: Gap[] = [];
  const reused: Arrival[] = [];
  let { last } = before;
  for (const arrival of sorted) {
    const { number } = arrival;
    if (number > last) {
      if (number > last + 1n) found.push({ first: last + 1n, last: number - 1n, foundTime: now });
      last = number;
      continue;
    }
    let gap = waiting.pop();
    for (; gap && gap.last < number; gap = waiting.pop()) gaps.push(gap);
    if (gap && gap.first <= number) {
      if (gap.first < number) gaps.push({ ...gap, last: number - 1n });
      if (gap.last > number) waiting.push({ ...gap, first: number + 1n });
    } else {
      if (gap) waiting.push(gap);
      reused.push(arrival);
    }
  }
  return { last, gaps: [...gaps, ...waiting.reverse(), ...found], reused };
}

/** Numbers that follow each other, in ascending order, as ranges; each with its first arrival's id. */
export function rangesOf(arrivals: readonly Arrival[]): { first: bigint; last: bigint; id: string }[] {
  const ranges: { first: bigint; last: bigint; id: string }[] = [];
  for (const { number, id } of arrivals) {
    const open = ranges.at(-1);
    if (open && number <= open.last + 1n) open.last = number;
    else ranges.push({ first: number, last: number, id });
  }
  return ranges;
}

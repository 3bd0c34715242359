/** Positions that were not there when later ones were: their transactions had not ended, or had rolled back. */
export interface Gap {
  /** First and last position. */
  start: number;
  end: number;
  /** Transactions that may still fill it. */
  writers: ReadonlySet<string>;
}

/** The gaps that the positions of a read leave behind `high`; `positions` are sorted. */
export function newGaps(high: number, positions: readonly number[], writers: ReadonlySet<string>): Gap[] {
  const gaps: Gap[] = [];
  let next = high + 1;
  for (const position of positions) {
    if (position > next) gaps.push({ start: next, end: position - 1, writers });
    next = position + 1;
  }
  return gaps;
}

/** What is left of gaps once some of their positions have been filled. */
export function withoutFilled(gaps: readonly Gap[], positions: ReadonlySet<number>): Gap[] {
  if (positions.size === 0) return [...gaps];
  return gaps.flatMap((gap) => {
    const inside = [...positions]
      .filter((position) => position >= gap.start && position <= gap.end)
      .sort((a, b) => a - b);
    // The positions as if the gap were a read of its own, closed by the position behind it.
    return inside.length === 0 ? [gap] : newGaps(gap.start - 1, [...inside, gap.end + 1], gap.writers);
  });
}

/** Gaps that somebody may still fill; the others are rolled back for good, once they have been looked into a last time. */
export const stillOpen = (gaps: readonly Gap[], writing: ReadonlySet<string>): Gap[] =>
  gaps.filter(({ writers }) => [...writers].some((writer) => writing.has(writer)));

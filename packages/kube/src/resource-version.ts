/**
 * Below 0 when `a` is older than `b`, 0 when they are the same, above 0 when it is newer; undefined when they cannot be
 * compared. Versions of one kind are whole numbers that only grow (KEP-5504); some extension API servers use other texts.
 */
export function compareResourceVersions(a: string, b: string): number | undefined {
  if (a === b) return 0;
  if (!wholeNumber.test(a) || !wholeNumber.test(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}

const wholeNumber = /^(0|[1-9][0-9]*)$/;

/** True only when both are known and `a` is older. */
export function isOlder(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const order = compareResourceVersions(a, b);
  return order !== undefined && order < 0;
}

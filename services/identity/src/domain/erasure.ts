/** A service's word that it holds nothing about a user any more. */
export interface Confirmation {
  service: string;
  confirmTime: Date;
  removed: Readonly<Record<string, number>>;
}

/** How far the erasure of a user has come. */
export interface Erasure {
  /** In the order in which they came. */
  confirmations: readonly Confirmation[];
  /** Expected services that have not confirmed. */
  pending: readonly string[];
  /** When the last expected service confirmed; undefined while some are pending. */
  completeTime: Date | undefined;
}

/** What the confirmations come to, when these services are expected to confirm. Others may do so as well. */
export function erasureOf(expected: readonly string[], confirmations: readonly Confirmation[]): Erasure {
  const confirmed = new Map(confirmations.map((each) => [each.service, each.confirmTime]));
  const pending = expected.filter((service) => !confirmed.has(service));
  const times = expected.map((service) => confirmed.get(service)?.getTime() ?? 0);
  return {
    confirmations: confirmations.toSorted((a, b) => a.confirmTime.getTime() - b.confirmTime.getTime()),
    pending,
    completeTime: pending.length > 0 || times.length === 0 ? undefined : new Date(Math.max(...times)),
  };
}

/**
 * Holds whoever comes until `count` have come: then all are under way at the same time, however slow the machine is, and who
 * was given which does not depend on how long the first took.
 */
export function gathering(count: number): () => Promise<void> {
  const all = Promise.withResolvers<void>();
  let come = 0;
  return () => {
    come++;
    if (come >= count) all.resolve();
    return all.promise;
  };
}

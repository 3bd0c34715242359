/**
 * Gives up after so long, unless the function that is returned is called. When this process was the slow one, the answer lies in
 * the socket by then: it is read first.
 */
export function giveUpAfter(ms: number, giveUp: () => void): () => void {
  let last: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    last = setImmediate(giveUp);
  }, ms);
  return () => {
    clearTimeout(timer);
    clearImmediate(last);
  };
}

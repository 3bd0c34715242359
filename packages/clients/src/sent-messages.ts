/** What a streaming call sends, for each of its attempts. */
export interface SentMessages<T> {
  read(): AsyncIterable<T>;
  /** An attempt has taken from what cannot be made again. */
  isSpent(): boolean;
}

/** Of a caller that streams: what an attempt has taken is gone. */
export function readOnce<T>(messages: AsyncIterable<T>): SentMessages<T> {
  let isSpent = false;
  return {
    isSpent: () => isSpent,
    async *read() {
      isSpent = true;
      yield* messages;
    },
  };
}

/** The few messages of a request that has an end: kept for the next attempt. */
export function repeatable<T>(messages: AsyncIterable<T>): SentMessages<T> {
  let all: Promise<readonly T[]> | undefined;
  return {
    isSpent: () => false,
    async *read() {
      all ??= gather(messages);
      yield* await all;
    },
  };
}

async function gather<T>(messages: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const message of messages) all.push(message);
  return all;
}

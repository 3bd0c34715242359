import type { BusMessage, SubscribeOptions } from "./bus.ts";
import { consumed } from "./bus-metrics.ts";
import type { DeliverDeps } from "./deliver.ts";
import { inConsumerSpans } from "./message-spans.ts";

/** Messages that a handler gets at once. */
export const togetherMax = 500;
/** None is added once their data has so many. */
export const togetherMaxBytes = 1024 * 1024;

/** Of messages in order as many as may be handled at once; at least one when there is any. */
export function takeTogether<T extends { data: Uint8Array }>(messages: readonly T[]): readonly T[] {
  let bytes = 0;
  const end = messages.findIndex(({ data }, at) => {
    const full = at === togetherMax || bytes >= togetherMaxBytes;
    bytes += data.byteLength;
    return full;
  });
  return end === -1 ? messages : messages.slice(0, end);
}

/** No further message would have been added to these. */
export const isFull = (messages: readonly { data: Uint8Array }[]): boolean =>
  messages.length >= togetherMax || messages.reduce((sum, { data }) => sum + data.byteLength, 0) >= togetherMaxBytes;

/**
 * Hands messages of one partition to the subscription's `handleTogether`; every driver uses it. False when that did not
 * work, or is not worth it: then the caller delivers each by itself. Throws the signal's reason when it aborts.
 */
export async function handledTogether(
  messages: readonly BusMessage[],
  subscription: SubscribeOptions,
  { logger }: Pick<DeliverDeps, "logger">,
  signal: AbortSignal,
): Promise<boolean> {
  const { group, handleTogether } = subscription;
  const [first] = messages;
  if (handleTogether === undefined || first === undefined || messages.length < 2) return false;
  try {
    const skipped = (await inConsumerSpans(messages, group, () => handleTogether(messages, signal))) ?? 0;
    const count = (n: number, outcome: string) =>
      n > 0 && consumed.add(n, { consumer_group: group, topic: first.topic, outcome });
    count(messages.length - skipped, "handled");
    count(skipped, "skipped");
    return true;
  } catch (err) {
    signal.throwIfAborted();
    const fields = { err, group, topic: first.topic, messages: messages.length };
    logger.warn(fields, "messages were not handled together, trying each by itself");
    return false;
  }
}

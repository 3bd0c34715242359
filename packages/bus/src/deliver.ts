import { backoffMs, type Clock, faultOf, type Logger, type Random } from "@plinth/kernel";
import type { BusMessage, SubscribeOptions } from "./bus.ts";
import { consumed } from "./bus-metrics.ts";
import type { Failure } from "./dead-letters.ts";
import { inConsumerSpan } from "./message-spans.ts";

export interface DeliverDeps {
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Keeps a message that cannot be handled, and why. */
  deadLetter(message: BusMessage, failure: Failure): Promise<void>;
}

const retry = { initialMs: 100, maxMs: 30_000 };

/**
 * Hands a message to the handler once; every driver uses it, so that all behave alike. Returns the milliseconds to wait
 * before the next attempt, or undefined when the message is done with: handled, skipped or put to the dead letters.
 * Throws the signal's reason when it aborts, and what `deadLetter` throws.
 */
export async function attemptDelivery(
  message: BusMessage,
  attempt: number,
  options: SubscribeOptions,
  deps: DeliverDeps,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { attemptsMax = 8, group } = options;
  const count = (outcome: string) => consumed.add(1, { consumer_group: group, topic: message.topic, outcome });
  try {
    count((await inConsumerSpan(message, group, async () => options.handle(message, signal))) ?? "handled");
    return undefined;
  } catch (err) {
    signal.throwIfAborted();
    const fields = { err, group, topic: message.topic, messageId: message.id, attempt };
    const away = faultOf(err)?.code === "unavailable";
    if (away || attempt < attemptsMax) {
      deps.logger.warn(fields, "message was not handled, trying again");
      return backoffMs(Math.min(attempt, 20), retry, deps.random);
    }
    const error = err instanceof Error ? err.message : String(err);
    await deps.deadLetter(message, { error, attempts: attempt, failedAt: new Date(deps.clock.now()) });
    deps.logger.error(fields, "message went to the dead letters");
    count("dead");
    return undefined;
  }
}

/** Attempts until the message is done with, waiting in between. */
export async function deliver(
  message: BusMessage,
  options: SubscribeOptions,
  deps: DeliverDeps,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const waitMs = await attemptDelivery(message, attempt, options, deps, signal);
    if (waitMs === undefined) return;
    await deps.clock.sleep(waitMs, signal);
  }
}

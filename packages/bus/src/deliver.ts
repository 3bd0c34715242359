import { backoffMs, type Clock, faultOf, type Logger, type Random } from "@plinth/kernel";
import type { BusMessage, SubscribeOptions } from "./bus.ts";

export interface DeliverDeps {
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Keeps a message that cannot be handled, with its error. */
  deadLetter(message: BusMessage, error: string): Promise<void>;
}

const retry = { initialMs: 100, maxMs: 30_000 };

/** Hands one message to the handler until it is handled or dead; every driver uses it, so that all behave alike. */
export async function deliver(
  message: BusMessage,
  options: SubscribeOptions,
  deps: DeliverDeps,
  signal: AbortSignal,
): Promise<void> {
  const { attemptsMax = 8 } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return await options.handle(message, signal);
    } catch (err) {
      signal.throwIfAborted();
      const fields = { err, group: options.group, topic: message.topic, messageId: message.id, attempt };
      const away = faultOf(err)?.code === "unavailable";
      if (!away && attempt >= attemptsMax) {
        deps.logger.error(fields, "message goes to the dead letters");
        return deps.deadLetter(message, err instanceof Error ? err.message : String(err));
      }
      deps.logger.warn(fields, "message was not handled, trying again");
      await deps.clock.sleep(backoffMs(Math.min(attempt, 20), retry, deps.random), signal);
    }
  }
}

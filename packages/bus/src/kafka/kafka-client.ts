import { type Logger, systemClock } from "@plinth/kernel";
import { Kafka, type LogEntry, logLevel, type SASLOptions } from "kafkajs";
// @ts-expect-error: an inner module without types
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";
import type { KafkaSettings } from "./kafka-settings.ts";

const connectionTimeoutMs = 3_000;
const requestTimeoutMs = 15_000;
/** Of a single request; whoever asked tries again at his own pace. */
export const requestRetry = { retries: 4, initialRetryTime: 100, maxRetryTime: 2_000 };

export function createKafkaClient(settings: KafkaSettings, clientId: string, logger: Logger): Kafka {
  stopIdlePolling();
  return new Kafka({
    clientId,
    brokers: [...settings.brokers],
    ssl: settings.tls ? (settings.ca === undefined ? true : { ca: [settings.ca] }) : false,
    ...(settings.sasl ? { sasl: settings.sasl as SASLOptions } : {}),
    connectionTimeout: connectionTimeoutMs,
    authenticationTimeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs,
    enforceRequestTimeout: true,
    retry: requestRetry,
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => log(logger, entry),
  });
}

/**
 * What kafkajs calls an error is one attempt of several: the callers here log what becomes of it. So its lines are
 * debugging aids, except what only it knows.
 */
function log(
  logger: Logger,
  { level, namespace, log: { message, timestamp: _, logger: __, ...fields } }: LogEntry,
): void {
  const line = { kafka: namespace, detail: message, ...withoutPayload(fields) };
  if (level === logLevel.ERROR && /SASL|certificate|authenti/i.test(message))
    logger.error(line, "Kafka refuses this client");
  else logger.debug(line, "Kafka client");
}

const withoutPayload = ({ payload: _, ...fields }: Record<string, unknown>): Record<string, unknown> => fields;

interface Queue {
  pending: unknown[];
  throttledUntil: number;
}

let patched = false;

/**
 * kafkajs 2.2.4 looks at the queue of every connection once a millisecond for ever, also when nothing waits, because it takes
 * "no throttling" for a time-out in the past, of which newer Node warns as well. An empty queue needs no look.
 */
function stopIdlePolling(): void {
  if (patched) return;
  patched = true;
  const schedule = RequestQueue.prototype.scheduleCheckPendingRequests;
  RequestQueue.prototype.scheduleCheckPendingRequests = function (this: Queue) {
    if (this.pending.length > 0 || this.throttledUntil > systemClock.now()) schedule.call(this);
  };
}

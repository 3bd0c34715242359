import type { Clock, Component, Logger, Random } from "@plinth/kernel";
import { backoffMs } from "@plinth/kernel";
import type { ApiClient } from "./api-client.ts";
import { createEventSeries, type EventDraft, type EventSeries } from "./event-series.ts";
import { formatMicroTime } from "./micro-time.ts";
import type { KubeObject } from "./resource.ts";
import { resources } from "./resources.ts";

/** Tells people what happened to an object, as `kubectl describe` shows it. Never blocks and never throws. */
export interface EventRecorder extends Component {
  record(regarding: KubeObject, event: EventDraft): void;
}

export interface EventRecorderOptions {
  client: ApiClient;
  /** For example plinth.dev/operator. */
  controller: string;
  /** Instance or pod name. */
  instance: string;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Events that wait to be written; more are dropped. Default 1000. */
  pendingMax?: number;
}

const noteCharactersMax = 1_024;
const attemptsMax = 3;
const callTimeoutMs = 10_000;

/** events.k8s.io/v1. The same event again within ten minutes raises a count instead of making another. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, clock, random, logger, pendingMax = 1_000 } = options;
  const series = createEventSeries(clock);
  const pending: EventSeries[] = [];
  let dropped = 0;
  let stopped = false;
  let writing: Promise<void> = Promise.resolve();
  let isWriting = false;

  async function writeAll(): Promise<void> {
    isWriting = true;
    for (let next = pending.shift(); next; next = pending.shift()) {
      next.queued = false;
      await write(next);
    }
    isWriting = false;
    if (dropped > 0) logger.warn({ dropped }, "events were dropped because too many waited");
    dropped = 0;
  }

  async function write(entry: EventSeries): Promise<void> {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      try {
        await (entry.written ? count(entry) : create(entry));
        return;
      } catch (err) {
        // An event is not worth more: the namespace may be ending, or the role may not allow it.
        if (stopped || attempt === attemptsMax)
          logger.warn({ err, reason: entry.event.reason }, "event was not written");
        if (stopped) return;
        await clock.sleep(backoffMs(attempt, { initialMs: 200, maxMs: 2_000 }, random));
      }
    }
  }

  async function create(entry: EventSeries): Promise<void> {
    const { event, regarding } = entry;
    const namespace = regarding.metadata.namespace ?? "default";
    const name = `${regarding.metadata.name.slice(0, 200)}.${Buffer.from(random.bytes(8)).toString("hex")}`;
    await client.create(
      resources.events,
      {
        metadata: { name, namespace },
        eventTime: formatMicroTime(entry.firstAtMs),
        type: event.type,
        reason: event.reason.slice(0, 128),
        action: event.action.slice(0, 128),
        note: event.note.slice(0, noteCharactersMax),
        regarding: referenceTo(regarding),
        ...(event.related ? { related: referenceTo(event.related) } : {}),
        reportingController: options.controller,
        reportingInstance: options.instance.slice(0, 128),
      },
      { timeoutMs: callTimeoutMs },
    );
    entry.written = { name, namespace };
    if (entry.count > 1) await count(entry);
  }

  async function count(entry: EventSeries): Promise<void> {
    if (!entry.written) return;
    const patch = { series: { count: entry.count, lastObservedTime: formatMicroTime(entry.lastAtMs) } };
    await client.patch(resources.events, entry.written, patch, { type: "merge", timeoutMs: callTimeoutMs });
  }

  return {
    name: `events of ${options.controller}`,
    record(regarding, event) {
      const entry = series.next(regarding, event);
      if (stopped || !entry || entry.queued) return;
      if (pending.length >= pendingMax) {
        dropped++;
        return;
      }
      entry.queued = true;
      pending.push(entry);
      if (!isWriting) writing = writeAll();
    },
    /** Writes what waits, until the signal aborts. */
    async stop(signal) {
      const cut = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      await Promise.race([writing, cut]);
      stopped = true;
      pending.length = 0;
    },
  };
}

interface ObjectReference {
  apiVersion?: string;
  kind?: string;
  name: string;
  namespace?: string;
  uid?: string;
}

function referenceTo({ apiVersion, kind, metadata }: KubeObject): ObjectReference {
  const { name, namespace, uid } = metadata;
  return {
    name,
    ...(apiVersion ? { apiVersion } : {}),
    ...(kind ? { kind } : {}),
    ...(namespace ? { namespace } : {}),
    ...(uid ? { uid } : {}),
  };
}

import type { ClientHttp2Session } from "node:http2";
import type { Clock } from "@plinth/kernel";
import { type OpenedSession, openHttp2Session } from "./open-http2-session.ts";

export interface Http2SessionsOptions {
  /** "http://host:port" */
  authority: string;
  clock: Clock;
  /** Of one connection attempt, up to the peer's SETTINGS. Default 1 s. */
  connectTimeoutMs?: number;
  /** After which a connection beyond the first that carries nothing closes. Default 30 s. */
  idleMs?: number;
  /** Told how long each stream that had to wait for its place did. */
  onWaited?: ((ms: number) => void) | undefined;
}

/** A connection, with the places on it that are taken. */
export interface PooledSession {
  readonly session: ClientHttp2Session;
  readonly streams: number;
}

/** Is called once, with a place or with the reason why there is none: nothing was sent then. */
export interface SessionWaiter {
  onSession(pooled: PooledSession): void;
  onUnavailable(error: Error): void;
}

/** Cleartext HTTP/2 connections to one instance; a place on one is a stream that may be opened. */
export interface Http2Sessions {
  /** Whether a connection stands. */
  isOpen(): boolean;
  /** Resolves when one stands. Rejects when the instance cannot be reached. */
  connected(): Promise<void>;
  /** A place at once, where there is one. It is the caller's until `release`. */
  take(): PooledSession | undefined;
  /** A place as soon as there is one, in the order of asking. */
  wait(waiter: SessionWaiter): void;
  /** The waiter wants none any more. */
  abandon(waiter: SessionWaiter): void;
  release(pooled: PooledSession): void;
  /** Connections, and streams that wait for a place. */
  counts(): { open: number; waiting: number };
  /** Waits for the streams. */
  close(): Promise<void>;
  /** Cuts everything. */
  destroy(): void;
}

/** Connections to one instance. */
const sessionsMax = 8;
/** On one connection before another is opened; beyond that, what the peer allows is used when there are no more connections. */
const streamsPerSession = 90;
/** Streams that wait for a place on connections to one instance, beyond those that connections still to be opened have. */
const waitingMax = 256;
/** One that failed beside others is tried again after, while somebody waits: whoever is on those may stay for long. */
const reopenMs = 250;

/** All places are taken, and so are those in the queue. */
export class StreamsFull extends Error {
  constructor() {
    super(`all ${sessionsMax} connections are full, and ${waitingMax} calls wait for a place`);
    this.name = "StreamsFull";
  }
}

interface Entry extends OpenedSession {
  streams: number;
  idle: NodeJS.Timeout | undefined;
}

/**
 * Opens connections as their places are needed: another when those that stand are full, up to a limit. One that the peer says
 * it will close (GOAWAY) takes nothing new and ends with its last stream.
 */
export function createHttp2Sessions(options: Http2SessionsOptions): Http2Sessions {
  const { authority, clock, connectTimeoutMs = 1_000, idleMs = 30_000, onWaited } = options;
  /** In order of opening: the first with room is taken, so that what is open beyond need falls idle. */
  let entries: Entry[] = [];
  let opening = 0;
  let reopening: NodeJS.Timeout | undefined;
  let isClosed = false;
  let first: PromiseWithResolvers<void> | undefined;
  /** What the last peer allowed, until the next says what it does. */
  let expected = streamsPerSession;
  /** By when they came. */
  const waiters = new Map<SessionWaiter, number>();

  function pick(): Entry | undefined {
    let least: Entry | undefined;
    for (const entry of entries) {
      // It broke just now: its end is not told yet.
      if (entry.session.closed || entry.session.destroyed) continue;
      const room = entry.streamsMax() - entry.streams;
      if (room > 0 && entry.streams < streamsPerSession) return entry;
      if (room > 0 && (least === undefined || entry.streams < least.streams)) least = entry;
    }
    // There is a place, but more than one connection should carry: one more is opened beside it.
    if (opening === 0) open();
    return least;
  }

  function taken(entry: Entry): PooledSession {
    entry.streams++;
    return entry;
  }

  function open(): void {
    if (entries.length + opening >= sessionsMax) return;
    opening++;
    let entry: Entry | undefined;
    const leave = (): void => {
      if (entry === undefined || !entries.includes(entry)) return;
      entries = entries.filter((other) => other !== entry);
      serve();
    };
    openHttp2Session({ authority, connectTimeoutMs, onLeaving: leave, onSettings: serve }).then(
      (opened) => {
        opening--;
        entry = { ...opened, streams: 0, idle: undefined };
        // For whoever waited when the others were closed.
        if (isClosed && waiters.size === 0) entry.session.close();
        expected = Math.max(1, Math.min(streamsPerSession, opened.streamsMax()));
        entries.push(entry);
        first?.resolve();
        first = undefined;
        serve();
      },
      (error: Error) => {
        opening--;
        if (entries.length > 0 || opening > 0) {
          if (waiters.size > 0 && reopening === undefined) reopening = setTimeout(reopen, reopenMs).unref();
          return;
        }
        first?.reject(error);
        first = undefined;
        for (const waiter of drained()) waiter.onUnavailable(error);
      },
    );
  }

  function reopen(): void {
    reopening = undefined;
    serve();
  }

  /** Gives places to those who wait, and opens as many connections as the others need. */
  function serve(): void {
    while (waiters.size > 0) {
      const entry = pick();
      if (entry === undefined) break;
      const [waiter, sinceMs] = waiters.entries().next().value as [SessionWaiter, number];
      waiters.delete(waiter);
      onWaited?.(clock.monotonicMs() - sinceMs);
      waiter.onSession(taken(entry));
    }
    const needed = Math.min(sessionsMax - entries.length, Math.ceil(waiters.size / expected));
    while (opening < needed) open();
  }

  function drained(): SessionWaiter[] {
    const all = [...waiters.keys()];
    waiters.clear();
    return all;
  }

  function closeIdle(entry: Entry): void {
    entry.idle = undefined;
    if (entry.streams > 0 || entries.length === 1 || !entries.includes(entry)) return;
    entries = entries.filter((other) => other !== entry);
    entry.session.close();
  }

  return {
    isOpen: () => entries.length > 0,
    connected() {
      if (entries.length > 0) return Promise.resolve();
      first ??= Promise.withResolvers();
      if (opening === 0) open();
      return first.promise;
    },
    take() {
      // Nobody overtakes those who wait.
      const entry = waiters.size === 0 && entries.length > 0 ? pick() : undefined;
      return entry && taken(entry);
    },
    wait(waiter) {
      if (waiters.size >= waitingMax + (sessionsMax - entries.length) * expected) {
        waiter.onUnavailable(new StreamsFull());
        return;
      }
      waiters.set(waiter, clock.monotonicMs());
      serve();
    },
    abandon: (waiter) => void waiters.delete(waiter),
    release(pooled) {
      const entry = pooled as Entry;
      entry.streams--;
      if (waiters.size > 0) serve();
      else if (isClosed && entry.streams === 0) entry.session.close();
      else if (entry.streams === 0 && entries.length > 1 && entry.idle === undefined)
        entry.idle = setTimeout(closeIdle, idleMs, entry).unref();
    },
    counts: () => ({ open: entries.length, waiting: waiters.size }),
    async close() {
      isClosed = true;
      const closing = entries.splice(0);
      await Promise.all(closing.map(({ session }) => new Promise<void>((resolve) => session.close(resolve))));
    },
    destroy() {
      isClosed = true;
      for (const { session } of entries.splice(0)) session.destroy();
      for (const waiter of drained()) waiter.onUnavailable(new Error("the connections were closed"));
    },
  };
}

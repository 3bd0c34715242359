import { type Meter, metrics, SpanKind, trace } from "@opentelemetry/api";
import {
  backoffMs,
  type Clock,
  type Component,
  cellHistogram,
  inChildSpan,
  type Logger,
  type Random,
} from "@plinth/kernel";
import type { Redis } from "ioredis";
import { createDeadlines } from "./deadlines.ts";
import { openRedisConnection, type RedisAddress, type RedisConnection } from "./redis-connection.ts";

export interface RedisLinkOptions extends RedisAddress {
  logger: Logger;
  clock: Clock;
  random: Random;
  meter?: Meter;
}

/** Sends commands. Undefined, at once, while Redis is away. Rejects with RedisSilent, a refusal of Redis or a lost connection. */
export type RedisCaller = <T>(work: (redis: Redis) => Promise<T>) => Promise<T> | undefined;

/**
 * The process's connection to Redis. It is away or it answers: while it is away nobody waits for it. Starting never
 * fails because of it, and it comes back by itself.
 */
export interface RedisLink extends Component {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** `name` for metrics; calls that take longer than `budgetMs` are given up. */
  caller(name: string, budgetMs: number): RedisCaller;
  /** Done on every new connection, in order, before anybody else may use it; when it fails, Redis is still away. */
  prepare(work: (redis: Redis) => Promise<void>): void;
  isUp(): boolean;
}

const tracer = trace.getTracer("plinth.redis");

/** From the first byte to a prepared connection. */
const openTimeoutMs = 1_000;
/** Without one answer in time for this long, Redis counts as away. */
const silenceMaxMs = 250;
const retry = { initialMs: 100, maxMs: 2_000 };

export function createRedisLink(options: RedisLinkOptions): RedisLink {
  const { logger, clock, random, meter = metrics.getMeter("plinth.redis") } = options;
  const stopping = new AbortController();
  const preparations: ((redis: Redis) => Promise<void>)[] = [];
  const durations = cellHistogram({
    name: "plinth_redis_call_duration_seconds",
    description: "Time from a call of Redis to its answer",
    unit: "s",
    boundaries: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25],
  });
  let current: RedisConnection | undefined;
  let silentSinceMs: number | undefined;
  let running = Promise.resolve();
  meter
    .createObservableGauge("plinth_redis_up", { description: "1 while Redis answers" })
    .addCallback((result) => result.observe(current ? 1 : 0));
  const failures = meter.createCounter("plinth_redis_calls_failed_total", {
    description: "Calls of Redis that no answer came to in time",
  });

  function reset(why: Error): void {
    const connection = current;
    current = undefined;
    connection?.close(why);
  }

  /** Resolves when Redis is up, with the connection that is `current` then. */
  async function open(): Promise<RedisConnection> {
    const giveUp = new AbortController();
    const opened = new AbortController();
    const late = new Error(`Redis did not serve within ${openTimeoutMs} ms`);
    clock.sleep(openTimeoutMs, opened.signal).then(
      () => giveUp.abort(late),
      () => {},
    );
    const signal = AbortSignal.any([stopping.signal, giveUp.signal]);
    let connection: RedisConnection | undefined;
    const close = () => connection?.close(signal.reason as Error);
    signal.addEventListener("abort", close, { once: true });
    try {
      connection = await openRedisConnection(options, signal);
      signal.throwIfAborted();
      for (const work of preparations) await work(connection.redis);
      current = connection;
      return connection;
    } catch (err) {
      connection?.close(err as Error);
      throw err;
    } finally {
      signal.removeEventListener("abort", close);
      opened.abort();
    }
  }

  async function run(onFirst: () => void): Promise<void> {
    let attempt = 0;
    let said: "up" | "away" | undefined;
    const away = (err: unknown) => {
      if (said === "away" || stopping.signal.aborted) return;
      said = "away";
      logger.warn({ err }, "Redis is away: values come from their sources, limits are counted in this process");
    };
    while (!stopping.signal.aborted) {
      try {
        const connection = await open();
        silentSinceMs = undefined;
        said = "up";
        logger.info({}, "Redis answers");
        onFirst();
        const sinceMs = clock.monotonicMs();
        const err = await connection.closed;
        current = undefined;
        if (clock.monotonicMs() - sinceMs > retry.maxMs) attempt = 0;
        away(err);
      } catch (err) {
        away(err);
        onFirst();
      }
      attempt++;
      await clock.sleep(backoffMs(Math.min(attempt, 10), retry, random), stopping.signal).catch(() => {});
    }
  }

  function caller(name: string, budgetMs: number): RedisCaller {
    const cell = durations.cell({ call: name });
    const bounded = createDeadlines({
      budgetMs,
      clock,
      onAnswer(startMs) {
        silentSinceMs = undefined;
        cell.record((clock.monotonicMs() - startMs) / 1000);
      },
      onSilence(startMs) {
        failures.add(1, { call: name });
        silentSinceMs ??= startMs;
        if (clock.monotonicMs() - silentSinceMs >= silenceMaxMs)
          reset(new Error(`Redis did not answer in time for ${silenceMaxMs} ms`));
      },
    });
    const { hostname, port } = new URL(options.url);
    const attributes = {
      "db.system.name": "redis",
      "db.operation.name": name,
      "server.address": hostname,
      "server.port": port === "" ? 6379 : Number(port),
    };
    const describe = () => ({ name: `redis ${name}`, kind: SpanKind.CLIENT, attributes });
    return (work) => {
      const connection = current;
      if (connection === undefined) return undefined;
      connection.batch();
      return inChildSpan(tracer, describe, () => bounded(work(connection.redis)));
    };
  }

  return {
    name: "connection to Redis",
    start: () =>
      new Promise((resolve) => {
        running = run(resolve);
      }),
    async stop() {
      stopping.abort(new Error("this process stops"));
      reset(stopping.signal.reason as Error);
      await running;
    },
    caller,
    prepare: (work) => void preparations.push(work),
    isUp: () => current !== undefined,
  };
}

import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { Redis } from "ioredis";

export interface RedisAddress {
  /** redis:// or rediss://, with user, password and database. */
  url: string;
  /** PEM of the authorities that sign the server's certificate; read at every connection. Absent: those of Node. */
  caFile?: string | undefined;
  /** Shown in CLIENT LIST. */
  connectionName: string;
}

/** One connection, never repaired: whoever wants another opens another. */
export interface RedisConnection {
  readonly redis: Redis;
  /** Commands from here to the end of the event loop's turn leave in one write. */
  batch(): void;
  /** Resolves when the connection is over, with why. */
  readonly closed: Promise<Error>;
  /** Ends it at once; whatever waits for an answer is rejected. */
  close(why: Error): void;
}

/** Connects and waits until Redis serves; throws what is wrong. The owner bounds the time with `signal`. */
export async function openRedisConnection(address: RedisAddress, signal: AbortSignal): Promise<RedisConnection> {
  const redis = new Redis(address.url, {
    ...(await tlsOf(address)),
    connectionName: address.connectionName,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    retryStrategy: null,
    disconnectTimeout: 100,
  });
  let reason: Error | undefined;
  redis.on("error", (err) => {
    reason ??= err;
  });
  const closed = new Promise<Error>((resolve) => {
    redis.once("end", () => resolve(reason ?? new Error("Redis closed the connection")));
  });
  const close = (why: Error) => {
    reason ??= why;
    redis.disconnect();
    // A server that does not answer does not say goodbye either.
    redis.stream?.destroy();
  };
  let corked = false;
  // The library's own pipelining keeps commands back while an earlier batch is on its way; this only saves system calls.
  const batch = () => {
    if (corked) return;
    corked = true;
    const { stream } = redis;
    stream.cork();
    setImmediate(() => {
      corked = false;
      stream.uncork();
    });
  };
  const giveUp = () => close(signal.reason as Error);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    signal.throwIfAborted();
    await redis.connect();
    return { redis, batch, closed, close };
  } catch (err) {
    close(err as Error);
    throw reason ?? err;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

async function tlsOf({ url, caFile }: RedisAddress): Promise<{ tls?: ConnectionOptions }> {
  const { protocol, hostname } = new URL(url);
  if (protocol !== "rediss:") return {};
  return {
    tls: {
      ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
      ...(caFile === undefined ? {} : { ca: await readFile(caFile, "utf8") }),
    },
  };
}

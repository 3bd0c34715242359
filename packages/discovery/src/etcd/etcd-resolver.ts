import { type Clock, type Logger, type Random, readLines } from "@plinth/kernel";
import type { Endpoint, Resolver } from "../discovery.ts";
import { createFollowedServices } from "../shared/followed-services.ts";
import { keepFollowing } from "../shared/keep-following.ts";
import { defaultLeaseMs } from "../shared/lease.ts";
import { registryAway } from "../shared/registry-server.ts";
import { createEtcdClient } from "./etcd-client.ts";
import { defaultPrefix, endpointOf, fromBase64, rangeEnd, toBase64 } from "./etcd-keys.ts";

export interface EtcdResolverOptions {
  /** Comma-separated URLs of one cluster, with name and password where it asks for them. */
  urls: string;
  /** What comes before "/service/instance". Default "plinth/services". */
  prefix?: string;
  logger: Logger;
  clock: Clock;
  random: Random;
  /** The registry's lease. Default 6 s. */
  leaseMs?: number;
}

interface KeyValue {
  key: string;
  value?: string;
}

/** https://etcd.io/docs/latest/learning/api/#watch-api, as far as it is read. */
interface WatchAnswer {
  result?: {
    canceled?: boolean;
    cancel_reason?: string;
    events?: { type?: "PUT" | "DELETE"; kv: KeyValue }[];
  };
  error?: { message?: string };
}

/** A watch that went deaf without an error is found out after this. */
const watchMsMax = 60_000;
/** A change of many keys at once is one line. */
const lineBytesMax = 16 * 1024 * 1024;

/**
 * Follows all keys below the prefix: reads them, then watches from the next revision on. A watch that ends, also because its
 * revision was compacted away, begins with reading again. Meanwhile, and for one lease after an absence, nobody is dropped.
 */
export function createEtcdResolver(options: EtcdResolverOptions): Resolver {
  const { logger, clock, random, prefix = defaultPrefix, leaseMs = defaultLeaseMs } = options;
  const client = createEtcdClient(options.urls, clock);
  const stopping = new AbortController();
  const range = { key: toBase64(`${prefix}/`), range_end: rangeEnd(`${prefix}/`) };
  /** By key. Undefined until everything was read once. */
  let known: Map<string, Endpoint & { service: string }> | undefined;
  const followed = createFollowedServices({
    clock,
    graceMs: leaseMs,
    stopping: stopping.signal,
    opened: (service) => publish([service]),
  });
  let running: Promise<void> = Promise.resolve();

  function publish(services: Iterable<string>): void {
    if (known === undefined) return;
    for (const service of services) {
      const found = [...known.values()].filter((each) => each.service === service);
      followed.publish(
        service,
        found.map(({ service: _, ...endpoint }) => endpoint),
      );
    }
  }

  /** Until the watch ends: returns when it was time to read again, throws when it broke. */
  async function follow(onRead: () => void): Promise<void> {
    const { header, kvs = [] } = await client.call<{ header: { revision: string }; kvs?: KeyValue[] }>(
      "kv/range",
      range,
    );
    followed.found();
    onRead();
    const read = new Map<string, Endpoint & { service: string }>();
    for (const pair of kvs) put(read, pair);
    known = read;
    publish(followed.names());
    const rereading = AbortSignal.timeout(watchMsMax);
    const signal = AbortSignal.any([stopping.signal, rereading]);
    try {
      await watchFrom(BigInt(header.revision) + 1n, read, signal);
    } catch (err) {
      if (!rereading.aborted) throw err;
    }
  }

  async function watchFrom(revision: bigint, read: NonNullable<typeof known>, signal: AbortSignal): Promise<void> {
    const bytes = await client.open(
      "watch",
      { create_request: { ...range, start_revision: String(revision) } },
      signal,
    );
    const tooLong = () => registryAway(`etcd sent a line of more than ${lineBytesMax} bytes`);
    for await (const line of readLines(bytes, lineBytesMax, tooLong)) {
      const { result, error } = JSON.parse(line) as WatchAnswer;
      if (error) throw registryAway(`etcd ended the watch: ${error.message}`);
      // Compacted away: reading again finds what was missed.
      if (result?.canceled) return;
      const changed = new Set<string>();
      for (const { type = "PUT", kv } of result?.events ?? []) {
        const before = read.get(kv.key);
        if (type === "DELETE") read.delete(kv.key);
        else put(read, kv);
        for (const each of [before, read.get(kv.key)]) if (each) changed.add(each.service);
      }
      publish(changed);
    }
    throw registryAway("etcd ended the watch");
  }

  function put(into: Map<string, Endpoint & { service: string }>, { key, value = "" }: KeyValue): void {
    const endpoint = endpointOf(prefix, fromBase64(key), fromBase64(value));
    if (endpoint) into.set(key, endpoint);
    else into.delete(key);
  }

  return {
    name: "resolver",
    watch: followed.watch,
    async start() {
      running = keepFollowing({ follow, lost: followed.lost, logger, clock, random, stopping: stopping.signal });
    },
    async stop() {
      stopping.abort(new Error("stopping"));
      await running;
    },
  };
}

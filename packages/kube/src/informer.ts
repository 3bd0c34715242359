import type { Meter } from "@opentelemetry/api";
import { type BackoffOptions, type Clock, type Component, isFault, type Logger, type Random } from "@plinth/kernel";
import type { ApiClient } from "./api-client.ts";
import type { Selection } from "./api-options.ts";
import { type ChangeHandler, createChangeFeed } from "./change-feed.ts";
import { freezeObject } from "./freeze-object.ts";
import { createInformerMetrics } from "./informer-metrics.ts";
import type { Indexes, ObjectCache } from "./object-cache.ts";
import { runReflector } from "./reflector.ts";
import { type KubeObject, objectKey, type Resource } from "./resource.ts";

export interface InformerOptions<T extends KubeObject> extends Selection {
  client: ApiClient;
  resource: Resource<T>;
  clock: Clock;
  random: Random;
  logger: Logger;
  meter?: Meter;
  indexes?: Indexes<T>;
  /** Drops what nobody reads, before the object is kept. May change the object in place. */
  transform?: (object: T) => T;
  /** Objects per page of a list. Default 500. */
  pageSize?: number;
  /** Without event or bookmark for this long a watch is opened anew. Default 150 s: bookmarks come every minute. */
  idleMs?: number;
  /** The server is asked to end a watch after one to two times this long. Default 5 min. */
  watchMs?: number;
  /** A full list at least this often, against watches that lie. Default 1 h. */
  relistMs?: number;
  /** Default 0.8 s to 30 s, with full jitter. */
  backoff?: BackoffOptions;
}

export interface InformerStatus {
  synced: boolean;
  objects: number;
  /** Since the last event, bookmark or list; undefined before the first. */
  silentMs: number | undefined;
  /** Of the failure since which nothing arrived. */
  lastError: string | undefined;
}

/** A cache of one kind that follows the API server for as long as the process lives. */
export interface Informer<T extends KubeObject> extends Component {
  readonly resource: Resource<T>;
  cache: ObjectCache<T>;
  /** Resolves with the first complete list. Never rejects: an informer keeps trying. */
  synced: Promise<void>;
  /** Told of everything there is, then of every change. What a handler throws is logged and stops nothing. */
  subscribe(handler: ChangeHandler<T>): { close(): void };
  status(): InformerStatus;
}

export function createInformer<T extends KubeObject>(options: InformerOptions<T>): Informer<T> {
  const { client, resource, clock, random, transform } = options;
  const logger = options.logger.child({ informer: resource.plural });
  const feed = createChangeFeed<T>(options.indexes ?? {}, logger);
  const metrics = createInformerMetrics(resource, () => feed.cache.size, options.meter);
  const synced = Promise.withResolvers<void>();
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let isSynced = false;
  let contactAtMs: number | undefined;
  let lastError: string | undefined;

  const keep = (object: T): T => freezeObject(resource, transform ? transform(object) : object);

  return {
    name: `informer of ${resource.plural}`,
    resource,
    cache: feed.cache,
    synced: synced.promise,
    subscribe: feed.subscribe,
    status: () => ({
      synced: isSynced,
      objects: feed.cache.size,
      silentMs: contactAtMs === undefined ? undefined : clock.monotonicMs() - contactAtMs,
      lastError,
    }),
    /** Returns at once; await `synced` for the first list. */
    async start() {
      running ??= runReflector<T>(
        {
          client,
          resource,
          selection: selectionOf(options),
          clock,
          random,
          logger,
          pageSize: options.pageSize ?? 500,
          idleMs: options.idleMs ?? 150_000,
          watchMs: options.watchMs ?? 300_000,
          relistMs: options.relistMs ?? 3_600_000,
          backoff: options.backoff ?? { initialMs: 800, maxMs: 30_000 },
          onRelist: metrics.relisted,
          target: {
            replaced(objects, backwards) {
              feed.replace(objects.map(keep), { initial: !isSynced, backwards });
              isSynced = true;
              synced.resolve();
            },
            event(event) {
              if (event.type === "DELETED") feed.remove(keep(event.object));
              else feed.put(keep(event.object), false);
            },
            versionOf: (object) => feed.cache.get(objectKey(object.metadata))?.metadata.resourceVersion,
            failed(err) {
              lastError = err instanceof Error ? err.message : String(err);
              metrics.failed(isFault(err) ? err.reason : "other");
            },
            contact() {
              contactAtMs = clock.monotonicMs();
              lastError = undefined;
            },
          },
        },
        stopping.signal,
      );
    },
    async stop() {
      stopping.abort();
      await running;
      metrics.close();
    },
  };
}

const selectionOf = (options: Selection): Selection => ({
  namespace: options.namespace,
  labelSelector: options.labelSelector,
  fieldSelector: options.fieldSelector,
  metadataOnly: options.metadataOnly ?? false,
});

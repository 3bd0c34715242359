import { type BackoffOptions, backoffMs, type Clock, Fault, isFault, type Logger, type Random } from "@plinth/kernel";
import type { ApiClient } from "./api-client.ts";
import type { ListPage, Selection } from "./api-options.ts";
import type { KubeObject, Resource } from "./resource.ts";
import { compareResourceVersions, isOlder } from "./resource-version.ts";
import type { WatchEvent } from "./watch-stream.ts";

/** Where a reflector puts what it learns. */
export interface ReflectorTarget<T extends KubeObject> {
  replaced(objects: T[], backwards: boolean): void;
  /** Returns false when the event contradicts what is known, so that only a new list can help. */
  event(event: Extract<WatchEvent<T>, { object: T }>): void;
  /** Version of the object under this event's name, if it is known. */
  versionOf(object: T): string | undefined;
  failed(err: unknown): void;
  /** Something arrived. */
  contact(): void;
}

export type RelistReason = "first" | "expired" | "disordered" | "periodic" | "ahead";

export interface ReflectorOptions<T extends KubeObject> {
  client: ApiClient;
  resource: Resource<T>;
  selection: Selection;
  target: ReflectorTarget<T>;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Objects per page. */
  pageSize: number;
  /** Without event or bookmark for this long a watch is opened anew. */
  idleMs: number;
  /** The server ends a watch after one to two times this long. */
  watchMs: number;
  /** A full list at least this often, against watches that lie. */
  relistMs: number;
  backoff: BackoffOptions;
  onRelist(why: RelistReason): void;
}

/** A list older than what was seen is refused this often in a row; after that the cluster did go back, from a backup. */
const staleListsMax = 5;
/** A watch that ends sooner, with nothing in it, counts as failed. */
const watchMinMs = 1_000;

/** List, watch, resume, relist, for ever. Returns only when `signal` aborts. */
export async function runReflector<T extends KubeObject>(
  options: ReflectorOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  const { client, resource, selection, target, clock, random, logger } = options;
  /** Newest version seen, from any list, event or bookmark. */
  let seen: string | undefined;
  /** Set while a list is due. */
  let relist: RelistReason | undefined = "first";
  let listedAtMs = 0;
  let staleLists = 0;
  let attempts = 0;

  async function list(why: RelistReason): Promise<void> {
    options.onRelist(why);
    const { items, resourceVersion } = await listAll(options, signal);
    const backwards = isOlder(resourceVersion, seen);
    if (backwards && ++staleLists <= staleListsMax) throw staleList(resource.kind, resourceVersion, seen);
    if (backwards) logger.warn({ kind: resource.kind, resourceVersion, seen }, "the cluster went back in time");
    target.replaced(items, backwards);
    target.contact();
    staleLists = 0;
    seen = resourceVersion;
    listedAtMs = clock.monotonicMs();
    relist = undefined;
  }

  function take(event: WatchEvent<T>): void {
    target.contact();
    attempts = 0;
    const version = event.type === "BOOKMARK" ? event.resourceVersion : (event.object.metadata.resourceVersion ?? "");
    if (event.type !== "BOOKMARK") {
      const known = target.versionOf(event.object);
      const late = seen !== undefined && (compareResourceVersions(version, seen) ?? 1) <= 0;
      const repeated = late && (known === undefined ? event.type === "DELETED" : !isOlder(known, version));
      if (repeated) return;
      if (late) throw disordered(resource.kind, version, seen);
      target.event(event);
    }
    if (!isOlder(version, seen)) seen = version;
  }

  async function watch(): Promise<void> {
    const begin = clock.monotonicMs();
    let events = 0;
    const timeoutMs = options.watchMs * (1 + random.fraction());
    const { idleMs } = options;
    for await (const event of client.watch(resource, {
      ...selection,
      resourceVersion: seen ?? "",
      timeoutMs,
      idleMs,
      signal,
    })) {
      events++;
      take(event);
    }
    if (events === 0 && clock.monotonicMs() - begin < watchMinMs) throw endedAtOnce(resource.kind);
    if (clock.monotonicMs() - listedAtMs > options.relistMs) relist = "periodic";
  }

  while (!signal.aborted) {
    try {
      if (relist) await list(relist);
      await watch();
    } catch (err) {
      if (signal.aborted) return;
      if (isIdle(err)) {
        // A dead connection; the idle time itself paces the attempts.
        logger.debug({ kind: resource.kind, idleMs: options.idleMs }, "watch was silent and is opened anew");
        continue;
      }
      relist ??= reasonToRelist(err);
      attempts++;
      target.failed(err);
      logger.warn({ err, kind: resource.kind, relist, attempts }, "watch was interrupted");
      // The first relist after an expiry is the normal course of things.
      const waitMs = relist === "expired" && attempts === 1 ? 0 : backoffMs(attempts, options.backoff, random);
      await clock.sleep(Math.max(waitMs, retryAfterMs(err)), signal).catch(() => {});
    }
  }
}

/** All pages of one consistent list. When the snapshot expires between pages it is asked for in one piece. */
async function listAll<T extends KubeObject>(
  { client, resource, selection, pageSize }: ReflectorOptions<T>,
  signal: AbortSignal,
): Promise<{ items: T[]; resourceVersion: string }> {
  const items: T[] = [];
  let page: ListPage<T> = await client.list(resource, { ...selection, limit: pageSize, signal });
  items.push(...page.items);
  const { resourceVersion } = page;
  while (page.continueToken) {
    try {
      page = await client.list(resource, { ...selection, limit: pageSize, continueToken: page.continueToken, signal });
    } catch (err) {
      if (!isExpired(err)) throw err;
      return client.list(resource, { ...selection, signal });
    }
    items.push(...page.items);
  }
  return { items, resourceVersion };
}

function reasonToRelist(err: unknown): RelistReason | undefined {
  if (isExpired(err)) return "expired";
  if (!isFault(err)) return "disordered";
  if (err.reason === "WATCH_DISORDERED" || err.reason === "INVALID" || err.reason === "BAD_REQUEST")
    return "disordered";
  return err.message.includes("Too large resource version") ? "ahead" : undefined;
}

const isExpired = (err: unknown): boolean => isFault(err) && err.details["status"] === "410";
const isIdle = (err: unknown): boolean => isFault(err) && err.reason === "STREAM_IDLE";
const retryAfterMs = (err: unknown): number => (isFault(err) ? Math.min(err.retryAfterMs ?? 0, 60_000) : 0);

const staleList = (kind: string, listed: string, seen: string | undefined): Fault =>
  new Fault({
    code: "unavailable",
    reason: "LIST_STALE",
    message: `the list of ${kind} is of version ${listed}, older than ${seen} that was seen; trying again`,
  });

const disordered = (kind: string, version: string, seen: string | undefined): Fault =>
  new Fault({
    code: "internal",
    reason: "WATCH_DISORDERED",
    message: `the watch of ${kind} sent version ${version} after ${seen}`,
  });

const endedAtOnce = (kind: string): Fault =>
  new Fault({ code: "unavailable", reason: "WATCH_ENDED", message: `the watch of ${kind} ended at once` });

import type { Change } from "./change-feed.ts";
import type { Informer } from "./informer.ts";
import type { Priority } from "./ready-list.ts";
import { type KubeObject, objectKey } from "./resource.ts";

/** Where a controller's keys come from. */
export interface Source {
  /** Resolves when everything that exists was offered. */
  synced: Promise<void>;
  /** Offers keys until closed. */
  open(offer: (key: string, priority: Priority) => void): { close(): void };
  /** The keys of everything that exists, for a resync. */
  keys(): Iterable<string>;
}

export interface WatchSourceOptions<T extends KubeObject> {
  /** Keys that a change of this object concerns. Default: its own. */
  keys?: (object: T) => Iterable<string>;
  /** Whether an update matters. Default: every one. */
  updated?: (object: T, previous: T) => boolean;
}

/**
 * Keys from an informer. For an update both the old and the new state name keys, so that a child that changes its owner wakes
 * both. What was there at the start waits behind what changes later.
 */
export function watchSource<T extends KubeObject>(informer: Informer<T>, options: WatchSourceOptions<T> = {}): Source {
  const { keys = (object: T) => [objectKey(object.metadata)], updated = () => true } = options;

  function offerAll(change: Change<T>, offer: (key: string, priority: Priority) => void): void {
    if (change.type === "updated" && !updated(change.object, change.previous)) return;
    const priority = change.initial ? "background" : "normal";
    for (const key of keys(change.object)) offer(key, priority);
    if (change.previous) for (const key of keys(change.previous)) offer(key, priority);
  }

  return {
    synced: informer.synced,
    open: (offer) => informer.subscribe((change) => offerAll(change, offer)),
    *keys() {
      for (const object of informer.cache.values()) yield* keys(object);
    },
  };
}

/** An update that means work: spec (generation), labels, annotations, finalizers or deletion; not status. */
export function specChanged(object: KubeObject, previous: KubeObject): boolean {
  const [now, before] = [object.metadata, previous.metadata];
  return (
    now.uid !== before.uid ||
    now.generation === undefined ||
    now.generation !== before.generation ||
    now.deletionTimestamp !== before.deletionTimestamp ||
    JSON.stringify([now.labels, now.annotations, now.finalizers]) !==
      JSON.stringify([before.labels, before.annotations, before.finalizers])
  );
}

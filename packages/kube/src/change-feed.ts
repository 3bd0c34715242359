import type { Logger } from "@plinth/kernel";
import { createObjectCache, type Indexes, type ObjectCache } from "./object-cache.ts";
import { type KubeObject, objectKey } from "./resource.ts";
import { isOlder } from "./resource-version.ts";

export type Change<T extends KubeObject> =
  /** `initial`: it was there already when the informer or the subscriber came. */
  | { type: "added"; object: T; previous?: undefined; initial: boolean }
  | { type: "updated"; object: T; previous: T; initial: false }
  /** `object` is the last state that was seen. */
  | { type: "deleted"; object: T; previous?: undefined; initial: false };

export type ChangeHandler<T extends KubeObject> = (change: Change<T>) => void;

/** A cache together with those who are told what changes in it. A handler that throws is logged and told of the next change. */
export interface ChangeFeed<T extends KubeObject> {
  cache: ObjectCache<T>;
  /** Takes the object over unless the cache has the same or a newer version. A successor under the same name replaces it in two changes. */
  put(object: T, initial: boolean): void;
  remove(object: T): void;
  /** Makes the cache equal to a complete list. `backwards`: also where that means older versions. */
  replace(objects: readonly T[], options: { initial: boolean; backwards: boolean }): void;
  /** The handler is told at once of everything that is there. */
  subscribe(handler: ChangeHandler<T>): { close(): void };
}

export function createChangeFeed<T extends KubeObject>(indexes: Indexes<T>, logger: Logger): ChangeFeed<T> {
  const cache = createObjectCache<T>(guardedIndexes(indexes, logger));
  const handlers = new Set<ChangeHandler<T>>();

  function tell(handler: ChangeHandler<T>, change: Change<T>): void {
    try {
      handler(change);
    } catch (err) {
      logger.error({ err, change: change.type, object: objectKey(change.object.metadata) }, "change handler failed");
    }
  }
  function tellAll(change: Change<T>): void {
    for (const handler of handlers) tell(handler, change);
  }

  function put(object: T, initial: boolean, backwards = false): void {
    const known = cache.get(objectKey(object.metadata));
    const { uid, resourceVersion } = object.metadata;
    if (known?.metadata.uid === uid && known?.metadata.resourceVersion === resourceVersion) return;
    if (!backwards && isOlder(resourceVersion, known?.metadata.resourceVersion)) return;
    if (known && known.metadata.uid !== uid) remove(known);
    cache.set(object);
    if (known && known.metadata.uid === uid) tellAll({ type: "updated", object, previous: known, initial: false });
    else tellAll({ type: "added", object, initial });
  }

  function remove(object: T): void {
    const key = objectKey(object.metadata);
    const known = cache.get(key);
    if (!known || isOlder(object.metadata.resourceVersion, known.metadata.resourceVersion)) return;
    cache.delete(key);
    // The final state may be of a successor's predecessor that was never seen; what was known is what went.
    tellAll({ type: "deleted", object: known.metadata.uid === object.metadata.uid ? object : known, initial: false });
  }

  return {
    cache,
    put,
    remove,
    replace(objects, { initial, backwards }) {
      const listed = new Set(objects.map((object) => objectKey(object.metadata)));
      for (const [key, object] of [...cache.keys()].map((key) => [key, cache.get(key)] as const)) {
        if (object && !listed.has(key)) remove(object);
      }
      for (const object of objects) put(object, initial, backwards);
    },
    subscribe(handler) {
      handlers.add(handler);
      for (const object of [...cache.values()]) tell(handler, { type: "added", object, initial: true });
      return { close: () => handlers.delete(handler) };
    },
  };
}

/** An index function that throws leaves its object out of that index and nothing else. */
function guardedIndexes<T extends KubeObject>(indexes: Indexes<T>, logger: Logger): Indexes<T> {
  const guarded = Object.entries(indexes).map(([name, values]): [string, (object: T) => readonly string[]] => [
    name,
    (object) => {
      try {
        return values(object);
      } catch (err) {
        logger.error({ err, index: name, object: objectKey(object.metadata) }, "index function failed");
        return [];
      }
    },
  ]);
  return Object.fromEntries(guarded);
}

import { type KubeObject, objectKey } from "./resource.ts";

/** What an informer knows. Objects are frozen: copy before changing one. */
export interface ObjectCache<T extends KubeObject> {
  /** By "namespace/name", or "name" for cluster-scoped objects. */
  get(key: string): T | undefined;
  keys(): IterableIterator<string>;
  values(): IterableIterator<T>;
  /** Objects for which the index function gave this value. Throws for an index that was not declared. */
  byIndex(index: string, value: string): T[];
  readonly size: number;
}

/** Names of indexes, and the values under which an object is found in each. */
export type Indexes<T extends KubeObject> = Record<string, (object: T) => readonly string[]>;

export interface WritableCache<T extends KubeObject> extends ObjectCache<T> {
  set(object: T): void;
  delete(key: string): void;
}

export function createObjectCache<T extends KubeObject>(indexes: Indexes<T> = {}): WritableCache<T> {
  const objects = new Map<string, T>();
  const tables = new Map(Object.keys(indexes).map((name) => [name, new Map<string, Set<string>>()]));

  function index(key: string, object: T, change: "add" | "remove"): void {
    for (const [name, table] of tables) {
      for (const value of indexes[name]?.(object) ?? []) {
        const keys = table.get(value) ?? new Set();
        if (change === "add") table.set(value, keys.add(key));
        else if (keys.delete(key) && keys.size === 0) table.delete(value);
      }
    }
  }

  function remove(key: string): void {
    const object = objects.get(key);
    if (object) index(key, object, "remove");
    objects.delete(key);
  }

  return {
    get: (key) => objects.get(key),
    keys: () => objects.keys(),
    values: () => objects.values(),
    byIndex(name, value) {
      const table = tables.get(name);
      if (!table) throw new TypeError(`no index "${name}"; known are: ${[...tables.keys()].join(", ") || "none"}`);
      return [...(table.get(value) ?? [])].flatMap((key) => objects.get(key) ?? []);
    },
    get size() {
      return objects.size;
    },
    set(object) {
      const key = objectKey(object.metadata);
      remove(key);
      objects.set(key, object);
      index(key, object, "add");
    },
    delete: remove,
  };
}

/**
 * A bounded cache of derived values. Duties of a driver: an entry is never served after its time to live; concurrent
 * `getOrLoad` calls for one key load once; a load that fails is not cached; `invalidate` also discards a load under way.
 */
export interface Cache<V> {
  /** The cached value, or what `load` returns, kept for `ttlMs`. Undefined is a value too: "known to be absent". */
  getOrLoad(key: string, load: () => Promise<V>): Promise<V>;
  invalidate(key: string): Promise<void>;
  clear(): Promise<void>;
}

/**
 * A bounded cache of derived values. Duties of a driver:
 * - A value is kept until `ttlMs` after its load began, never longer.
 * - Concurrent `getOrLoad` calls for one key load once. A load that fails is not cached, and all who waited for it see it fail.
 * - Once `invalidate` has resolved, no `getOrLoad` that starts later answers with what was loaded before, and a load that was
 *   under way is not kept. How far that reaches, and what may delay it, each driver says.
 * - A cache that does not work is no reason to fail: callers get what `load` returns.
 */
export interface Cache<V> {
  /** The cached value, or what `load` returns. Undefined is a value too: "known to be absent". */
  getOrLoad(key: string, load: () => Promise<V>): Promise<V>;
  /** Never rejects: what could not be done at once is done before the cache serves again. */
  invalidate(key: string): Promise<void>;
  /** Invalidates every key. */
  clear(): Promise<void>;
}

/** What a service asks for; configuration decides the driver. */
export interface CacheOptions<V> {
  /** Names the cache in keys and metrics, for example "authz.decisions". A new form of the values needs a new name. */
  name: string;
  ttlMs: number;
  /** Entries in this process at most. Beside the process, a driver bounds them by their time to live and its own memory. */
  entriesMax: number;
  codec: Codec<V>;
  /**
   * "shared" (default): values are where the driver keeps them. "process": they stay in this process, because nobody else may
   * see or change them, and only invalidations reach the other processes, if the driver can do that.
   */
  keep?: "shared" | "process";
  /**
   * Values are also kept in this process for as long as this, where the driver stores them elsewhere. A value that another
   * process invalidates may be served that much longer, should its message get lost. Absent: every call asks the driver.
   */
  nearTtlMs?: number;
}

/** How values become bytes and back, for drivers that store them outside of the process. `decode` throws for what it does not know. */
export interface Codec<V> {
  encode(value: V & {}): Uint8Array;
  decode(bytes: Uint8Array): V;
}

/** Makes caches; one per process. */
export interface Caches {
  create<V>(options: CacheOptions<V>): Cache<V>;
}

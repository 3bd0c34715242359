/** Invalidations that Redis has not confirmed, until it has. */
export interface LostInvalidations {
  add(key: string): void;
  /** The whole cache. */
  addAll(): void;
  isEmpty(): boolean;
  /** What is to be done now. `done` forgets it, except for what was lost once more since. */
  take(): { keys: readonly string[]; everything: boolean; done(): void };
}

/** Remembers `keysMax` keys; beyond it the whole cache counts as lost. */
export function createLostInvalidations(keysMax: number): LostInvalidations {
  /** Each with the number of its loss. */
  const keys = new Map<string, number>();
  let everything = 0;
  let losses = 0;
  return {
    add(key) {
      if (keys.size < keysMax || keys.has(key)) keys.set(key, ++losses);
      else everything = ++losses;
    },
    addAll() {
      everything = ++losses;
    },
    isEmpty: () => everything === 0 && keys.size === 0,
    take() {
      const taken = losses;
      return {
        keys: [...keys.keys()],
        everything: everything > 0,
        done() {
          if (everything <= taken) everything = 0;
          for (const [key, loss] of keys) if (loss <= taken) keys.delete(key);
        },
      };
    },
  };
}

import { hash } from "node:crypto";
import type { KeySet } from "./key-set.ts";

/** Remembers what verified tokens say, by their SHA-256, until their keys change. */
export interface TokenCache<V> {
  get(token: string): V | undefined;
  set(token: string, value: V): void;
  delete(token: string): void;
}

/** Holds `entriesMax` at most; the oldest go first. */
export function createTokenCache<V>(keys: KeySet, entriesMax: number): TokenCache<V> {
  const entries = new Map<string, V>();
  let version = keys.version();
  const digest = (token: string): string => hash("sha256", token, "base64");
  return {
    get(token) {
      if (version !== keys.version()) {
        version = keys.version();
        entries.clear();
      }
      return entries.get(digest(token));
    },
    set(token, value) {
      if (entries.size >= entriesMax) entries.delete(entries.keys().next().value as string);
      entries.set(digest(token), value);
    },
    delete: (token) => void entries.delete(digest(token)),
  };
}

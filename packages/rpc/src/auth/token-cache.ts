import { hash } from "node:crypto";
import type { KeySet } from "./key-set.ts";

/** Remembers what verified tokens say, by their SHA-256, until their keys change. */
export interface TokenCache<V> {
  get(token: string): V | undefined;
  set(token: string, value: V): void;
  delete(token: string): void;
}

/**
 * Places for tokens seen just now, which are compared as they are: a digest costs more than the rest of a look-up. How
 * long one comparison takes, a nanosecond or thirty, tells nobody on the other side of a network anything.
 */
const recentPlaces = 256;

/** Holds `entriesMax` at most; the oldest go first. */
export function createTokenCache<V>(keys: KeySet, entriesMax: number): TokenCache<V> {
  const entries = new Map<string, V>();
  let version = keys.version();
  let recent: ({ token: string; value: V } | undefined)[] = [];
  const digest = (token: string): string => hash("sha256", token, "base64");
  return {
    get(token) {
      if (version !== keys.version()) {
        version = keys.version();
        entries.clear();
        recent = [];
      }
      const place = placeOf(token);
      const seen = recent[place];
      if (seen !== undefined && seen.token === token) return seen.value;
      const value = entries.get(digest(token));
      if (value !== undefined) recent[place] = { token, value };
      return value;
    },
    set(token, value) {
      if (entries.size >= entriesMax) entries.delete(entries.keys().next().value as string);
      entries.set(digest(token), value);
    },
    delete(token) {
      recent[placeOf(token)] = undefined;
      entries.delete(digest(token));
    },
  };
}

/** From the last characters but two: the end of a signature, where tokens differ. */
function placeOf(token: string): number {
  const end = token.length;
  return (token.charCodeAt(end - 3) * 31 + token.charCodeAt(end - 4) * 7 + token.charCodeAt(end - 5)) % recentPlaces;
}

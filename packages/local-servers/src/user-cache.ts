import { homedir } from "node:os";
import path from "node:path";

/** A place in the cache folder of this user, for all clones (XDG Base Directory Specification). */
export const userCache = (environment: Readonly<Record<string, string | undefined>>, ...names: string[]): string =>
  path.join(environment["XDG_CACHE_HOME"] || path.join(homedir(), ".cache"), ...names);

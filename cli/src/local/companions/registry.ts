import type { Companion } from "./companion.ts";
import { kafka } from "./kafka.ts";
import { redis } from "./redis.ts";

/** What `--with` knows, by name. */
export const companions: ReadonlyMap<string, Companion> = new Map(
  [kafka, redis as Companion].map((companion) => [companion.name, companion]),
);

import type { Companion } from "./companion.ts";
import { kafka } from "./kafka.ts";

/** What `--with` knows, by name. */
export const companions: ReadonlyMap<string, Companion> = new Map(
  [kafka].map((companion) => [companion.name, companion]),
);

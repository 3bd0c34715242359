import { readFile } from "node:fs/promises";
import type { Clock } from "@plinth/kernel";

/** The substrate renews the file well before the token in it expires. */
const rereadMs = 30_000;

/** Reads this process's workload token from its file, at most every 30 s. */
export function createWorkloadTokenSource(file: string | undefined, clock: Clock): () => Promise<string | undefined> {
  let token: string | undefined;
  let readAtMs = Number.NEGATIVE_INFINITY;
  return async () => {
    if (file !== undefined && clock.monotonicMs() - readAtMs > rereadMs) {
      token = (await readFile(file, "utf8")).trim();
      readAtMs = clock.monotonicMs();
    }
    return token;
  };
}

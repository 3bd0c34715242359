import { createHash } from "node:crypto";

/** From so many endpoints on a caller keeps to some of them: connections of all to all would be many and mostly idle. */
export const subsetFrom = 100;
const subsetSize = 50;

/**
 * The endpoints that one caller keeps to: those whose names go best with its own (rendezvous hashing), so that all are
 * called by about as many, and that one coming or going changes one in each caller at most. All of them below `subsetFrom`.
 */
export function subsetOf<T>(endpoints: readonly T[], nameOf: (endpoint: T) => string, caller: string): readonly T[] {
  if (endpoints.length < subsetFrom) return endpoints;
  const ranked = endpoints.map((endpoint) => ({ endpoint, rank: rankOf(`${caller}\n${nameOf(endpoint)}`) }));
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
  return ranked.slice(0, subsetSize).map(({ endpoint }) => endpoint);
}

const rankOf = (text: string): string => createHash("sha256").update(text).digest("base64");

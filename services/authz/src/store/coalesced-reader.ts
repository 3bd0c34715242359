import { tooLarge } from "../domain/check/check-graph.ts";
import type { ReadRequest, RelationshipReader } from "../domain/check/relationship-reader.ts";
import { limits } from "../domain/limits.ts";
import { type Relationship, usersetKey } from "../domain/relationship/relationship.ts";

/** Reads relationships, at most `limit` of them. */
export type ReadBatch = (requests: readonly ReadRequest[], limit: number) => Promise<Relationship[]>;

interface Call {
  requests: readonly ReadRequest[];
  /** How many relationships this call may still take. */
  allowance: number;
  resolve(relationships: Relationship[]): void;
  reject(reason: unknown): void;
}

/**
 * Makes readers that share queries: calls that come while a query runs wait and go out together in the next one. So the
 * checks of a batch cost as many round trips as the deepest of them, and one connection never has two queries at once.
 */
export function createCoalescedReaders(readBatch: ReadBatch): () => RelationshipReader {
  let waiting: Call[] = [];
  let running = false;

  async function run(): Promise<void> {
    running = true;
    // Calls of the same turn of the event loop belong together.
    await Promise.resolve();
    while (waiting.length > 0) {
      const calls = waiting;
      waiting = [];
      await answerTogether(readBatch, calls);
      await Promise.resolve();
    }
    running = false;
  }

  return () => {
    let taken = 0;
    return {
      async read(requests) {
        if (requests.length === 0) return [];
        const relationships = await new Promise<Relationship[]>((resolve, reject) => {
          waiting.push({ requests, allowance: limits.checkRelationshipsMax - taken, resolve, reject });
          if (!running) void run();
        });
        taken += relationships.length;
        return relationships;
      },
    };
  };
}

async function answerTogether(readBatch: ReadBatch, calls: readonly Call[]): Promise<void> {
  try {
    const limit = Math.min(...calls.map((call) => call.allowance)) + 1;
    const relationships = await readAll(
      readBatch,
      calls.flatMap((call) => call.requests),
      limit,
    );
    if (relationships.length < limit) return distribute(calls, relationships);
    if (calls.length === 1) return calls[0]?.reject(tooLarge());
    // One of them asks for too much: the others must not suffer.
    for (const call of calls) await answerTogether(readBatch, [call]);
  } catch (err) {
    for (const call of calls) call.reject(err);
  }
}

async function readAll(readBatch: ReadBatch, requests: readonly ReadRequest[], limit: number): Promise<Relationship[]> {
  const found: Relationship[] = [];
  for (let at = 0; at < requests.length && found.length < limit; at += limits.readBatchMax)
    found.push(...(await readBatch(requests.slice(at, at + limits.readBatchMax), limit - found.length)));
  return found;
}

function distribute(calls: readonly Call[], relationships: readonly Relationship[]): void {
  const byKey = Map.groupBy(relationships, (r) => usersetKey(r.object, r.relation));
  for (const call of calls)
    call.resolve(call.requests.flatMap((request) => byKey.get(usersetKey(request.object, request.relation)) ?? []));
}

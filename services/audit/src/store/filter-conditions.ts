import { eq, gte, like, lt, type SQL, sql } from "drizzle-orm";
import type { EntryFilter } from "../domain/entry.ts";
import type { Secrets } from "../sealing/secrets.ts";
import { sealedEntryTable as table } from "./schema.ts";

/** What a filter asks of a row; who and what are found by their keyed hashes. */
export function filterConditions(filter: EntryFilter, secrets: Secrets): SQL[] {
  const { actor, action, resource, source, outcome, requestId, startTime, endTime } = filter;
  return [
    actor && eq(table.actorTag, secrets.tag("actor", actor)),
    action && (action.endsWith(".") ? like(table.action, `${escapeLike(action)}%`) : eq(table.action, action)),
    resource && eq(table.resourceTag, secrets.tag("resource", resource)),
    source && eq(table.source, source),
    outcome && eq(table.outcome, outcome),
    // The planner uses the index of failures and refusals only when the text says that it may.
    outcome && outcome !== "success" && sql`${table.outcome} <> 'success'`,
    requestId && eq(table.requestId, requestId),
    startTime && gte(table.time, startTime),
    endTime && lt(table.time, endTime),
  ].filter((condition) => typeof condition === "object");
}

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, "\\$&");

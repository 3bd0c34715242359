import { and, gt, lte, type SQL, sql } from "drizzle-orm";
import type { EntryFilter } from "../domain/entry.ts";
import { sealedEntryTable as table } from "./schema.ts";

/** Entries in a block of table `entry_block`, as migrations/ makes it. */
const blockEntries = 4_096;

/** A page of a list that goes by sequence number: those after `after` and up to `until`. */
export interface Page {
  after: bigint;
  /** Undefined: to the end. */
  until: bigint | undefined;
  order: "oldest first" | "newest first";
  limit: number;
}

/** The part of the log that a page is in. */
export const withinPage = ({ after, until }: Page): SQL | undefined =>
  and(gt(table.sequence, after), until === undefined ? undefined : lte(table.sequence, until));

/**
 * `conditions`, for a filter with times: looked for only in blocks that the window touches, block by block in the page's
 * order until the page is full. What lies outside the window costs nothing, however much it is.
 */
export function withinWindow({ startTime, endTime }: EntryFilter, conditions: SQL | undefined, page: Page) {
  if (startTime === undefined && endTime === undefined) return conditions;
  const direction = sql.raw(page.order === "newest first" ? "DESC" : "ASC");
  const touched = and(
    sql`block >= ${page.after}::bigint / ${blockEntries}`,
    page.until === undefined ? undefined : sql`block <= (${page.until}::bigint - 1) / ${blockEntries}`,
    startTime && sql`last_time >= ${startTime.toISOString()}`,
    endTime && sql`first_time < ${endTime.toISOString()}`,
  );
  const [first, last] = [sql`touched.block * ${blockEntries}`, sql`(touched.block + 1) * ${blockEntries}`];
  return sql`${table.sequence} IN (
    SELECT found.sequence
    FROM (SELECT block FROM entry_block WHERE ${touched} ORDER BY block ${direction} OFFSET 0) AS touched
    CROSS JOIN LATERAL (
      SELECT sequence FROM ${table} WHERE ${table.sequence} > ${first} AND ${table.sequence} <= ${last} AND ${conditions}
      ORDER BY sequence ${direction} LIMIT ${page.limit}
    ) AS found
    ORDER BY touched.block ${direction} LIMIT ${page.limit})`;
}

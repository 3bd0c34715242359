import { decodePageToken, encodePageToken } from "@plinth/kernel";
import type { AuditService } from "@plinth/proto/plinth/audit/v1/audit";
import type { Handler } from "@plinth/rpc";
import type { EntryFilter } from "../domain/entry.ts";
import type { EntryStore } from "../store/entry-store.ts";
import { filterFromMessage } from "./entry-filter.ts";
import { entryToMessage } from "./entry-message.ts";

const defaultPageSize = 50;

export function listEntries(entries: EntryStore): Handler<typeof AuditService.method.listEntries> {
  return async (request) => {
    const limit = request.pageSize || defaultPageSize;
    const filter = filterFromMessage(request.filter);
    const position = decodePageToken(listOf(filter), request.pageToken, /^\d{1,18}$/);
    const before = position === undefined ? undefined : BigInt(position);
    const found = await entries.list(filter, { before, limit: limit + 1 });
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      entries: page.map(entryToMessage),
      nextPageToken: found.length > limit && last ? encodePageToken(listOf(filter), String(last.sequence)) : "",
    };
  };
}

/** What tells this list from others; dates become text. */
const listOf = (filter: EntryFilter): unknown => ["entries", filter];

import { Fault } from "@plinth/kernel";
import type { AuditService } from "@plinth/proto/plinth/audit/v1/audit";
import type { Handler } from "@plinth/rpc";
import type { OpenedEntry } from "../store/entry-sealer.ts";
import type { EntryStore } from "../store/entry-store.ts";
import { entryToMessage } from "./entry-message.ts";

export function getEntry(entries: EntryStore): Handler<typeof AuditService.method.getEntry> {
  return async ({ id }) => entryToMessage((await findEntry(entries, id)).entry);
}

export async function findEntry(entries: EntryStore, id: string): Promise<OpenedEntry> {
  const found = await entries.get(id);
  if (found) return found;
  throw new Fault({ code: "not_found", reason: "ENTRY_NOT_FOUND", message: `there is no audit entry ${id}` });
}

import { Fault } from "@plinth/kernel";
import type { AuditService } from "@plinth/proto/plinth/audit/v1/audit";
import type { Handler } from "@plinth/rpc";
import type { EntryStore } from "../store/entry-store.ts";
import { entryToMessage } from "./entry-message.ts";

export function getEntry(entries: EntryStore): Handler<typeof AuditService.method.getEntry> {
  return async ({ id }) => {
    const entry = await entries.get(id);
    if (entry) return entryToMessage(entry);
    throw new Fault({ code: "not_found", reason: "ENTRY_NOT_FOUND", message: `there is no audit entry ${id}` });
  };
}

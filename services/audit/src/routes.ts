import type { Clock } from "@plinth/kernel";
import { AuditService } from "@plinth/proto/plinth/audit/v1/audit";
import { access, defineService, type ServiceRoutes } from "@plinth/rpc";
import { getEntry } from "./rpc/get-entry.ts";
import { listEntries } from "./rpc/list-entries.ts";
import { recordEntry } from "./rpc/record-entry.ts";
import type { EntryStore } from "./store/entry-store.ts";

const mayRead = access.permission("can_read_audit", "platform:plinth");
const mayWrite = access.any(access.service(), access.permission("can_write_audit", "platform:plinth"));

/** The whole API: who may call what, and what answers. */
export const routes = (entries: EntryStore, clock: Clock): ServiceRoutes =>
  defineService(AuditService, {
    recordEntry: { access: mayWrite, handle: recordEntry(entries, clock) },
    getEntry: { access: mayRead, handle: getEntry(entries) },
    listEntries: { access: mayRead, handle: listEntries(entries) },
  });

import { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import type { ServiceDefinition } from "@plinth/service";
import { model } from "./authz/model.ts";
import { createAuthzNoteRights } from "./authz/note-rights.ts";
import { onNoteDeleted } from "./events/on-note-deleted.ts";
import { onUserErased } from "./events/on-user-erased.ts";
import { routes } from "./routes.ts";
import { createPostgresNoteStore } from "./store/postgres-note-store.ts";

export const notes: ServiceDefinition<Record<never, never>> = {
  name: "notes",
  version: "0.1.0",
  config: {},
  uses: { database: true, bus: true },
  comments: async () => (await import("../gen/notes/v1/comments.ts")).comments,
  compose({ database, bus, clients, clock, random }) {
    const store = createPostgresNoteStore(database);
    const rights = createAuthzNoteRights(clients.get(AuthzService, "authz"));
    return {
      services: [routes({ store, rights, clock, random })],
      workers: [onNoteDeleted(bus, rights), onUserErased(bus, database, store)],
      permissionModel: model,
    };
  },
};

import { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import type { ServiceDefinition } from "@plinth/service";
import { createAuthzNoteRights } from "./authz/note-rights.ts";
import { publishModel } from "./authz/publish-model.ts";
import { onNoteDeleted } from "./events/on-note-deleted.ts";
import { routes } from "./routes.ts";
import { createPostgresNoteStore } from "./store/postgres-note-store.ts";

export const notes: ServiceDefinition<Record<never, never>> = {
  name: "notes",
  version: "0.1.0",
  config: {},
  uses: { database: true, bus: true },
  compose({ database, bus, clients, health, logger, clock, random }) {
    const authz = clients.get(AuthzService, "authz");
    const store = createPostgresNoteStore(database);
    const rights = createAuthzNoteRights(authz);
    return {
      services: [routes({ store, rights, clock, random })],
      workers: [publishModel({ authz, health, logger, clock, random }), onNoteDeleted(bus, rights)],
    };
  },
};

import type { ServiceDefinition } from "@plinth/service";
import { onAnyEvent } from "./events/on-any-event.ts";
import { routes } from "./routes.ts";
import { createPostgresEntryStore } from "./store/postgres-entry-store.ts";

export const audit: ServiceDefinition<Record<never, never>> = {
  name: "audit",
  version: "0.1.0",
  config: {},
  uses: { database: true, bus: true },
  compose({ database, bus, clock }) {
    const entries = createPostgresEntryStore(database);
    return { services: [routes(entries, clock)], workers: [onAnyEvent(bus, database, entries)] };
  },
};

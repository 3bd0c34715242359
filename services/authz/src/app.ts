import type { ServiceDefinition } from "@plinth/service";
import { authzConfig } from "./config.ts";
import { cacheDecisions, decisionCacheOptions, forgetOnChange } from "./engine/decision-cache.ts";
import { createEngineAuthorizer } from "./engine/engine-authorizer.ts";
import { createPermissionEngine } from "./engine/permission-engine.ts";
import { onUserErased } from "./events/on-user-erased.ts";
import { createAdminGrant } from "./grant-admins.ts";
import { createModelCache } from "./model/model-cache.ts";
import { authzRoutes } from "./routes.ts";
import { createPostgresStore } from "./store/postgres/postgres-store.ts";

export const authz: ServiceDefinition<typeof authzConfig> = {
  name: "authz",
  version: "0.1.0",
  config: authzConfig,
  uses: { database: true, bus: true },
  comments: async () => (await import("@plinth/proto/comments/plinth/authz/v1")).comments,
  compose({ database, bus, logger, caches }, { admins, decisionTtlMs }) {
    const models = createModelCache();
    const plainStore = createPostgresStore(database);
    const decisions = decisionTtlMs > 0 ? caches.create(decisionCacheOptions(decisionTtlMs)) : undefined;
    const store = decisions ? forgetOnChange(plainStore, decisions) : plainStore;
    const engine = createPermissionEngine(store, models);
    return {
      services: [authzRoutes({ store, models, engine: decisions ? cacheDecisions(engine, decisions) : engine })],
      workers: [createAdminGrant({ admins, store, logger }), onUserErased(bus, store)],
      authorizer: createEngineAuthorizer(engine),
    };
  },
};

import { afterAll, beforeAll, describe } from "vitest";
import { authzStoreContract } from "./authz-store.contract.ts";
import { createMemoryStore } from "./memory-store.ts";
import { type OpenStore, openPostgresStore } from "./open-postgres-store.ts";

authzStoreContract("memory", async () => {
  const store = createMemoryStore();
  return { store, publishedKinds: async () => store.published().map(({ event }) => event.kind) };
});

describe("postgres", () => {
  let opened: OpenStore;
  const kinds: Record<string, string> = {
    "plinth.authz.v1.ModelModuleChanged": "module changed",
    "plinth.authz.v1.RelationshipsChanged": "relationships changed",
  };

  beforeAll(async () => {
    opened = await openPostgresStore();
  });
  afterAll(() => opened.close());

  authzStoreContract("postgres", async () => {
    await opened.test.admin("TRUNCATE authz.relationship, authz.model_module, authz.outbox");
    return {
      store: opened.store,
      async publishedKinds() {
        const rows = await opened.database.query<{ type: string }>("SELECT type FROM outbox ORDER BY position");
        return rows.map(({ type }) => kinds[type] ?? type);
      },
    };
  });
});

import path from "node:path";
import { silentLogger, systemClock } from "@plinth/kernel";
import { createDatabase, type Database, migrate } from "@plinth/postgres";
import { createTestDatabase, patience, type TestDatabase } from "@plinth/testing";
import type { AuthzStore } from "../src/store/authz-store.ts";
import { createPostgresStore } from "../src/store/postgres/postgres-store.ts";

export interface OpenStore {
  store: AuthzStore;
  database: Database;
  test: TestDatabase;
  close(): Promise<void>;
}

/** A migrated, empty database of its own with the service's runtime role; `route` may put something in between. */
export async function openPostgresStore(
  route: (url: string) => Promise<string> = async (url) => url,
): Promise<OpenStore> {
  const test = await createTestDatabase("authz");
  await migrate({
    url: test.ddlUrl,
    schema: test.schema,
    runtimeRole: test.runtimeRole,
    directory: path.join(import.meta.dirname, "../migrations"),
    logger: silentLogger,
    clock: systemClock,
  });
  const database = createDatabase({
    ...patience,
    url: await route(test.url),
    applicationName: "test",
    logger: silentLogger,
    clock: systemClock,
  });
  return {
    store: createPostgresStore(database),
    database,
    test,
    async close() {
      await database.stop?.(AbortSignal.timeout(5_000));
      await test.drop();
    },
  };
}

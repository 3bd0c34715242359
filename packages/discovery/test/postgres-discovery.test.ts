import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { createTestDatabase } from "@plinth/testing";
import { discoveryContract } from "../src/discovery.contract.ts";
import { createPostgresRegistry, createPostgresResolver, discoverySchemaSql } from "../src/index.ts";

discoveryContract("postgres", async () => {
  const database = await createTestDatabase("plinth_discovery");
  await database.admin(
    `SET ROLE ${database.runtimeRole}_ddl; SET search_path = plinth_discovery; ${discoverySchemaSql}`,
  );
  const leaseMs = 900;
  const options = {
    url: database.url,
    applicationName: "test",
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
    leaseMs,
  };
  return {
    leaseMs,
    async registry() {
      const registry = createPostgresRegistry(options);
      await registry.start?.();
      return registry;
    },
    async resolver() {
      const resolver = createPostgresResolver(options);
      await resolver.start?.();
      return resolver;
    },
    // Stopping the component only stops renewing: the row stays, as after a kill.
    kill: async (registry) => registry.stop?.(AbortSignal.timeout(5_000)),
    cutConnections: async () => {
      await database.admin(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> 'postgres' AND datname = current_database()",
      );
    },
    forget: async () => {
      await database.admin("DELETE FROM plinth_discovery.instance; NOTIFY plinth_discovery, 'shop'");
    },
    close: () => database.drop(),
  };
});

import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { createTestDatabase, startTcpProxy } from "@plinth/testing";
import { discoveryContract, type Way } from "../src/discovery.contract.ts";
import { createPostgresRegistry, createPostgresResolver, discoverySchemaSql } from "../src/index.ts";

discoveryContract("postgres", async (leaseMs) => {
  const database = await createTestDatabase("plinth_discovery");
  await database.admin(
    `SET ROLE ${database.runtimeRole}_ddl; SET search_path = plinth_discovery; ${discoverySchemaSql}`,
  );
  const direct = new URL(database.url);
  const proxy = await startTcpProxy(direct.host);
  const behind = new URL(direct);
  behind.host = `127.0.0.1:${proxy.port}`;
  const common = {
    applicationName: "test",
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
  };
  const options = (way: Way = "behind") => ({ ...common, url: (way === "behind" ? behind : direct).href });
  return {
    async registry(way, ofThisMs = leaseMs) {
      const registry = createPostgresRegistry({ ...options(way), leaseMs: ofThisMs });
      await registry.start?.();
      return registry;
    },
    async resolver(way) {
      const resolver = createPostgresResolver({ ...options(way), leaseMs });
      await resolver.start?.();
      return resolver;
    },
    // Stopping the component only stops renewing: the row stays, as after a kill.
    kill: async (registry) => registry.stop?.(AbortSignal.timeout(5_000)),
    partition: async () => proxy.cut(),
    heal: async () => proxy.heal(),
    forget: async () => {
      await database.admin("DELETE FROM plinth_discovery.instance; NOTIFY plinth_discovery, 'shop'");
    },
    async close() {
      await proxy.close();
      await database.drop();
    },
  };
});

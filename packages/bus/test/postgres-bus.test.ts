import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { createTestDatabase } from "@plinth/testing";
import { busContract } from "../src/bus.contract.ts";
import { busSchemaSql, createPostgresBus, createPostgresDeadLetters } from "../src/index.ts";

busContract("postgres", async () => {
  const database = await createTestDatabase("plinth_bus");
  await database.admin(`SET ROLE ${database.runtimeRole}_ddl; SET search_path = plinth_bus; ${busSchemaSql}`);
  const deadLetters = createPostgresDeadLetters({ url: database.url, logger: silentLogger, clock: systemClock });
  return {
    async connect() {
      const bus = createPostgresBus({
        url: database.url,
        applicationName: "test",
        logger: silentLogger,
        clock: systemClock,
        random: systemRandom,
      });
      await bus.start?.();
      return bus;
    },
    deadLetters,
    async close() {
      await deadLetters.close();
      await database.drop();
    },
  };
});

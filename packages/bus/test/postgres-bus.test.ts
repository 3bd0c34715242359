import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { createTestDatabase } from "@plinth/testing";
import { busContract } from "../src/bus.contract.ts";
import { busSchemaSql, createPostgresBus } from "../src/index.ts";

busContract("postgres", async () => {
  const database = await createTestDatabase("plinth_bus");
  await database.admin(`SET ROLE ${database.runtimeRole}_ddl; SET search_path = plinth_bus; ${busSchemaSql}`);
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
    deadLetters: async (group) =>
      (await database.admin(`SELECT id FROM plinth_bus.dead_letter WHERE consumer_group = '${group}'`)).map((row) =>
        String(row["id"]),
      ),
    close: () => database.drop(),
  };
});

import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { createTestDatabase, eventually } from "@plinth/testing";
import { expect, test } from "vitest";
import { busContract } from "../src/bus.contract.ts";
import {
  busSchemaSql,
  createPostgresBus,
  createPostgresConsumerGroups,
  createPostgresDeadLetters,
} from "../src/index.ts";

busContract("postgres", async () => {
  const database = await createTestDatabase("plinth_bus");
  await database.admin(`SET ROLE ${database.runtimeRole}_ddl; SET search_path = plinth_bus; ${busSchemaSql}`);
  const deadLetters = createPostgresDeadLetters({ url: database.url, logger: silentLogger, clock: systemClock });
  const groups = createPostgresConsumerGroups({ url: database.url, logger: silentLogger, clock: systemClock });
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
    groups,
    async close() {
      await groups.close();
      await deadLetters.close();
      await database.drop();
    },
  };
});

test("a consumer goes on by itself when the server ends its connections", { timeout: 60_000 }, async () => {
  const database = await createTestDatabase("plinth_bus");
  await database.admin(`SET ROLE ${database.runtimeRole}_ddl; SET search_path = plinth_bus; ${busSchemaSql}`);
  const tools = { logger: silentLogger, clock: systemClock, random: systemRandom };
  const bus = createPostgresBus({ ...tools, url: database.url, applicationName: "test" });
  await bus.start?.();
  const seen: string[] = [];
  const consumer = bus.subscribe({
    group: "g",
    topics: ["t.cut"],
    handle: async ({ subject }) => {
      if (!seen.includes(subject)) seen.push(subject);
    },
  });
  await consumer.start?.();
  const publish = (subject: string) =>
    bus.publish([
      {
        ...{
          id: systemRandom.uuidv7(Date.now()),
          source: "shop",
          type: "shop.v1.Sold",
          subject,
          topic: "t.cut",
          key: "k",
        },
        ...{ time: new Date(), data: Buffer.from("x"), actor: "anonymous", requestId: "", traceparent: undefined },
      },
    ]);
  await publish("1");
  await eventually(() => expect(seen).toEqual(["1"]));
  await database.admin(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
  );
  await eventually(() => publish("2"));
  // A pool has more than one connection, and each tells only when it is used that it was ended.
  await eventually(() => publish("3"));
  await eventually(() => expect(seen).toEqual(["1", "2", "3"]));
  await consumer.stop?.(AbortSignal.timeout(10_000));
  await bus.stop?.(AbortSignal.timeout(10_000));
  await database.drop();
});

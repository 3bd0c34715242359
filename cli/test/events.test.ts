import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { busSchemaSql, createPostgresBus, type EventBus } from "@plinth/bus";
import { createKafkaBus } from "@plinth/bus/kafka";
import { readConfig, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { kafkaBusConfig, kafkaSettings } from "@plinth/service/bus-config";
import { createTestDatabase, eventually, kafkaMissing, testKafka } from "@plinth/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { listGroups } from "../src/commands/event-groups.ts";
import { listDeadLetters, replayDeadLetters, showDeadLetter } from "../src/commands/events.ts";
import { openControlSocket } from "../src/local/control-socket.ts";
import { localPaths } from "../src/local/local-paths.ts";
import { createTerminal } from "../src/terminal.ts";

const tools = { logger: silentLogger, clock: systemClock, random: systemRandom };
const abort = () => AbortSignal.timeout(60_000);

let data: string;
const stops: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  data = await mkdtemp(path.join(tmpdir(), "plinth-events-"));
});
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
  await rm(data, { recursive: true, force: true });
});

/** Stands in for the platform that runs: only its answer to "which bus?" is asked for. */
async function answerWith(env: Record<string, string>): Promise<void> {
  const never = async () => {
    throw new Error("not asked for here");
  };
  const socket = await openControlSocket(localPaths(data).controlSocket, {
    status: () => ({ state: "ready", pid: 1, gatewayUrl: undefined, home: data, services: [] }),
    ...{ apply: never, restart: never, down: () => {} },
    bus: async () => env,
  });
  stops.push(() => socket.close());
}

function capture() {
  const lines: string[] = [];
  return { lines, terminal: createTerminal({ out: (text) => lines.push(text), err: () => {}, colours: false }) };
}

async function tellsAndHandsBack(bus: EventBus): Promise<void> {
  const id = systemRandom.uuidv7(Date.now());
  let broken = true;
  const handled: string[] = [];
  const consumer = bus.subscribe({
    group: "shop",
    topics: ["shop.item.v1"],
    attemptsMax: 1,
    handle: async (message) => {
      if (broken) throw new Error("the price is missing");
      handled.push(message.id);
    },
  });
  await bus.start?.();
  await consumer.start?.();
  stops.push(async () => {
    await consumer.stop?.(abort());
    await bus.stop?.(abort());
  });
  const sent = {
    ...{ id, source: "shop", type: "shop.v1.Sold", subject: "items/1", topic: "shop.item.v1", key: "1" },
    ...{ time: new Date(), data: Buffer.from("abc"), actor: "user:1", requestId: "r", traceparent: undefined },
    sequence: 12n,
  };
  await bus.publish([sent]);

  await eventually(async () => {
    const { lines, terminal } = capture();
    expect(await listDeadLetters({ data }, terminal)).toBe(0);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      new RegExp(`shop {2}shop.item.v1 {2}${id} {2}shop.v1.Sold {2}1 attempt\\(s\\): the price is missing`),
    );
  }, 60_000);
  const shown = capture();
  expect(await showDeadLetter(id, { data }, shown.terminal)).toBe(0);
  expect(JSON.parse(shown.lines.join(""))).toMatchObject({
    group: "shop",
    message: { id, data: "YWJj", actor: "user:1", sequence: "12" },
  });
  await expect(showDeadLetter(systemRandom.uuidv7(0), { data }, shown.terminal)).rejects.toThrow(
    "there is no dead letter",
  );

  broken = false;
  const none = capture();
  await replayDeadLetters({ data, dlq: true, group: "other" }, none.terminal);
  expect(none.lines).toEqual(["there are no such dead letters\n"]);
  const replayed = capture();
  expect(
    await replayDeadLetters({ data, dlq: true, group: "shop", topic: "shop.item.v1", id }, replayed.terminal),
  ).toBe(0);
  expect(replayed.lines).toEqual(["handed back 1 event(s) to their groups\n"]);
  // At least once: a group that is taken over meanwhile gets it again.
  await eventually(() => expect([...new Set(handled)]).toEqual([id]), 60_000);
  await eventually(async () => {
    const { lines, terminal } = capture();
    await listDeadLetters({ data }, terminal);
    expect(lines).toEqual(["there are no dead letters\n"]);
  }, 60_000);

  await consumer.stop?.(abort());
  const late = { ...sent, id: systemRandom.uuidv7(Date.now()) };
  await bus.publish([late]);
  await eventually(async () => {
    const { lines, terminal } = capture();
    expect(await listGroups({ data }, terminal)).toBe(0);
    expect(lines[0]).toMatch(/^GROUP {2}TOPIC {9}WAITING {3}MEMBERS/);
    expect(lines.find((line) => line.includes("shop.item.v1"))).toMatch(
      /^shop {3}shop\.item\.v1 {2}1 {9}0 {2}nobody consumes/,
    );
  }, 60_000);
  const json = capture();
  await listGroups({ data, output: "json" }, json.terminal);
  expect(json.lines.map((line) => JSON.parse(line))).toContainEqual({
    ...{ group: "shop", topic: "shop.item.v1", waiting: 1, members: 0 },
  });
}

test("dead letters in PostgreSQL are listed, shown and handed back", { timeout: 300_000 }, async () => {
  const database = await createTestDatabase("plinth_bus");
  stops.push(() => database.drop());
  await database.admin(`SET ROLE ${database.runtimeRole}_ddl; SET search_path = plinth_bus; ${busSchemaSql}`);
  await answerWith({ PLINTH_BUS_DRIVER: "postgres", PLINTH_BUS_URL: database.url });
  await tellsAndHandsBack(createPostgresBus({ ...tools, url: database.url, applicationName: "test" }));
});

const missing = await kafkaMissing();
describe.skipIf(missing)(`on Kafka${missing ? ` (${missing})` : ""}`, () => {
  test("dead letters are listed, shown and handed back", { timeout: 300_000 }, async () => {
    const env = {
      PLINTH_BUS_DRIVER: "kafka",
      PLINTH_KAFKA_BROKERS: (await testKafka()).join(","),
      PLINTH_KAFKA_TOPIC_PREFIX: `events-${systemRandom.uuidv7(Date.now()).slice(-12)}.`,
      PLINTH_KAFKA_REPLICATION: "1",
    };
    await answerWith(env);
    const settings = await kafkaSettings(readConfig(kafkaBusConfig, env));
    await tellsAndHandsBack(createKafkaBus({ ...tools, settings, clientId: "test" }));
  });
});

test("without a platform or an environment it says what is missing; without --dlq what to say", async () => {
  const { terminal } = capture();
  await expect(listDeadLetters({ data }, terminal)).rejects.toThrow("the environment names no event bus");
  expect(() => replayDeadLetters({ data, dlq: false }, terminal)).toThrow("--dlq");
});

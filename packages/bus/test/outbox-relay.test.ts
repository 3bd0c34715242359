import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { createDatabase, type Database, migrate } from "@plinth/postgres";
import { createTestDatabase, eventually, type TestDatabase } from "@plinth/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  appendEvent,
  type BusMessage,
  createOutboxRelay,
  type EventBus,
  type OutboxRelayOptions,
} from "../src/index.ts";

let fixture: TestDatabase;
let database: Database;
const stops: (() => Promise<void>)[] = [];

beforeEach(async () => {
  fixture = await createTestDatabase("shop");
  const directory = await mkdtemp(path.join(tmpdir(), "plinth-none-"));
  await migrate({
    url: fixture.ddlUrl,
    schema: "shop",
    runtimeRole: fixture.runtimeRole,
    directory,
    logger: silentLogger,
    clock: systemClock,
  });
  const common = { applicationName: "test", logger: silentLogger, clock: systemClock };
  database = createDatabase({ ...common, url: fixture.url, connectTimeoutMs: 60_000, statementTimeoutMs: 60_000 });
});

afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
  await database.stop?.(AbortSignal.timeout(5_000));
  await fixture.drop();
});

/** Records what is published; `fail` decides per call whether it fails, before or after taking the messages. */
function recordingBus(
  fail: (call: number) => "before" | "after" | undefined = () => undefined,
): EventBus & { seen: BusMessage[] } {
  const seen: BusMessage[] = [];
  let call = 0;
  return {
    name: "recording bus",
    seen,
    async publish(messages) {
      const failure = fail(++call);
      if (failure === "before") throw new Error("bus refused");
      seen.push(...messages);
      if (failure === "after") throw new Error("bus answered too late");
    },
    subscribe: () => ({ name: "none" }),
  };
}

async function startRelay(bus: EventBus, more: Partial<OutboxRelayOptions> = {}): Promise<void> {
  const relay = createOutboxRelay({
    database,
    bus,
    source: "shop",
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
    ...more,
  });
  await relay.start?.();
  stops.push(async () => relay.stop?.(AbortSignal.timeout(5_000)));
}

const sell = (value: string) =>
  database.transaction((tx) =>
    appendEvent(tx, {
      topic: "shop.item.v1",
      key: "item-1",
      subject: "items/1",
      schema: StringValueSchema,
      message: { value },
      context: { actor: "user:7", requestId: "req-1", traceparent: undefined, clientAddress: "192.0.2.7", via: "till" },
    }),
  );

const values = (messages: BusMessage[]) => messages.map((m) => fromBinary(StringValueSchema, m.data).value);
const waiting = async () =>
  Number(
    (await fixture.admin("SELECT count(*) AS n FROM shop.outbox, shop.outbox_cursor WHERE position > high"))[0]?.["n"],
  );

describe("outbox relay", () => {
  test("publishes in order what was committed, and nothing that was rolled back", async () => {
    const bus = recordingBus();
    await startRelay(bus);
    await sell("a");
    await database
      .transaction(async (tx) => {
        await appendEvent(tx, {
          topic: "shop.item.v1",
          key: "item-1",
          subject: "items/1",
          schema: StringValueSchema,
          message: { value: "never" },
          context: { actor: "anonymous", requestId: "", traceparent: undefined },
        });
        throw new Error("roll back");
      })
      .catch(() => {});
    await sell("b");
    await eventually(() => expect(values(bus.seen)).toEqual(["a", "b"]));
    expect(bus.seen[0]).toMatchObject({
      source: "shop",
      type: "google.protobuf.StringValue",
      actor: "user:7",
      requestId: "req-1",
      ...{ clientAddress: "192.0.2.7", via: "till" },
    });
    await eventually(async () => expect(await waiting()).toBe(0));
  });

  test.each(["before", "after"] as const)(
    "a bus that fails %s taking a batch gets it again; nothing is lost",
    async (failure) => {
      const bus = recordingBus((call) => (call <= 2 ? failure : undefined));
      await sell("a");
      await startRelay(bus);
      await eventually(async () => expect(await waiting()).toBe(0));
      expect(new Set(values(bus.seen))).toEqual(new Set(["a"]));
      expect(new Set(bus.seen.map((m) => m.id)).size).toBe(1);
      expect(new Set(bus.seen.map((m) => m.sequence))).toEqual(new Set([1n]));
    },
  );

  test("while the bus is away writes go on; afterwards the backlog comes in order", async () => {
    let away = true;
    const bus = recordingBus(() => (away ? "before" : undefined));
    const lines: string[] = [];
    const record = (_: unknown, line: string) => void lines.push(line);
    await startRelay(bus, { alertAgeMs: 1, logger: { ...silentLogger, error: record, info: record } });
    const expected = Array.from({ length: 1_200 }, (_, i) => `v${i}`);
    for (const value of expected.slice(0, 600)) await sell(value);
    await eventually(() => expect(lines).toEqual(["events wait in the outbox: the bus is away"]));
    for (const value of expected.slice(600)) await sell(value);
    expect(await waiting()).toBe(1_200);
    expect(bus.seen).toEqual([]);
    away = false;
    await eventually(() => expect(values(bus.seen)).toEqual(expected));
    await eventually(() =>
      expect(lines).toEqual([
        "events wait in the outbox: the bus is away",
        "all events that waited in the outbox are published",
      ]),
    );
  });

  test("of two relays one works; the other takes over when its connection dies", async () => {
    const bus = recordingBus();
    await startRelay(bus);
    await startRelay(bus);
    for (const value of ["a", "b", "c"]) await sell(value);
    await eventually(() => expect(values(bus.seen)).toEqual(["a", "b", "c"]));
    // One that dies before it has noted what it published is followed by the same events again.
    await eventually(async () => expect(await waiting()).toBe(0));
    await fixture.admin(
      "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    await sell("d");
    await eventually(() => expect(values(bus.seen)).toEqual(["a", "b", "c", "d"]));
    expect(bus.seen.map(({ sequence }) => sequence)).toEqual([1n, 2n, 3n, 4n]);
  });
});

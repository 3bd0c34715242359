import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { silentLogger, systemClock } from "@plinth/kernel";
import { createDatabase, type Database, migrate } from "@plinth/postgres";
import { type AccessDenied, AccessDeniedSchema } from "@plinth/proto/plinth/audit/v1/events";
import { createFakeClock, createTestDatabase, eventually, type FakeClock, type TestDatabase } from "@plinth/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDenialRecorder, type DenialRecorder } from "../src/denial-recorder.ts";

let fixture: TestDatabase;
let database: Database;
let clock: FakeClock;
let recorder: DenialRecorder;
const startMs = 1_700_000_000_000;

beforeEach(async () => {
  fixture = await createTestDatabase("shop");
  const directory = await mkdtemp(path.join(tmpdir(), "plinth-denials-"));
  const { ddlUrl: url, schema, runtimeRole } = fixture;
  await migrate({ url, schema, runtimeRole, directory, logger: silentLogger, clock: systemClock });
  await rm(directory, { recursive: true });
  const common = { logger: silentLogger, clock: systemClock, connectTimeoutMs: 60_000, statementTimeoutMs: 60_000 };
  database = createDatabase({ ...common, url: fixture.url, applicationName: "test" });
  clock = createFakeClock(startMs);
  recorder = createDenialRecorder({ database, clock, logger: silentLogger });
  await recorder.start?.();
});
afterEach(async () => {
  await recorder.stop?.(AbortSignal.timeout(5_000));
  await database.stop?.(AbortSignal.timeout(5_000));
  await fixture.drop();
});

const refuse = (actor: string, rpc = "shop.v1.Shop/Sell", requestId = "r"): void =>
  recorder.record({
    rpc,
    reason: "PERMISSION_DENIED",
    call: {
      ...{ actor, workload: "notes", via: "notes", requestId, traceparent: undefined },
      ...{ remoteAddress: "203.0.113.9", clientAddress: undefined },
    },
  });

async function told(): Promise<{ actor: string; requestId: string; event: AccessDenied }[]> {
  const rows = await database.query<{ actor: string; request_id: string; via: string; data: Buffer }>(
    "SELECT actor, request_id, via, data FROM outbox ORDER BY position",
  );
  expect(rows.every(({ via }) => via === "notes")).toBe(true);
  return rows.map((row) => ({
    actor: row.actor,
    requestId: row.request_id,
    event: fromBinary(AccessDeniedSchema, row.data),
  }));
}
const counts = async (): Promise<string[]> =>
  (await told()).map(({ actor, event }) => `${actor} ${event.rpc} ${event.count}`);

test("the first refusal of a kind is told at once, with who, where and through whom", async () => {
  refuse("user:1", "shop.v1.Shop/Sell", "first");
  await eventually(async () => expect(await told()).toHaveLength(1));
  const [first] = await told();
  expect(first).toMatchObject({
    actor: "user:1",
    requestId: "first",
    event: { rpc: "shop.v1.Shop/Sell", reason: "PERMISSION_DENIED", count: 1n, ipAddress: "203.0.113.9", via: "notes" },
  });
});

test("repetitions within a minute are one event; other callers and RPCs are their own", async () => {
  for (let n = 0; n < 50; n++) {
    refuse("user:1", "shop.v1.Shop/Sell", `r${n}`);
    clock.advance(1_000);
  }
  refuse("user:2");
  refuse("user:1", "shop.v1.Shop/Buy");
  const atOnce = ["user:1 shop.v1.Shop/Sell 1", "user:2 shop.v1.Shop/Sell 1", "user:1 shop.v1.Shop/Buy 1"];
  await eventually(async () => expect(await counts()).toEqual(atOnce));
  clock.advance(30_000);
  await eventually(async () => expect(await counts()).toEqual([...atOnce, "user:1 shop.v1.Shop/Sell 49"]));
  const last = (await told()).at(-1);
  expect(last?.requestId).toBe("r49");
  const { firstTime, lastTime } = last?.event ?? {};
  expect([firstTime && timestampMs(firstTime), lastTime && timestampMs(lastTime)]).toEqual([
    startMs + 1_000,
    startMs + 49_000,
  ]);
});

test("what was counted is told when the service stops", async () => {
  refuse("user:1");
  refuse("user:1");
  await recorder.stop?.(AbortSignal.timeout(5_000));
  expect(await counts()).toEqual(["user:1 shop.v1.Shop/Sell 1", "user:1 shop.v1.Shop/Sell 1"]);
});

test("a caller who tries everything cannot fill the memory or the log", { timeout: 300_000 }, async () => {
  for (let n = 0; n < 3_000; n++) refuse(`user:${n}`);
  // A transaction for each: on a busy machine thirteen in a second.
  await eventually(async () => expect(await told()).toHaveLength(1_000), 200_000);
});

import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger, systemClock } from "@plinth/kernel";
import { type LocalKafka, startKafka } from "@plinth/local-servers";
import { migrate } from "@plinth/postgres";
import { createSeededRandom, createTestDatabase, eventually, kafkaMissing, type TestDatabase } from "@plinth/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { busSchemaSql } from "../../src/index.ts";
import type { ActorSettings } from "./actor.ts";

/** Kills per driver: PLINTH_FAULT_POINTS=200 for a long run; PLINTH_FAULT_SEED repeats one. */
const points = Number(process.env["PLINTH_FAULT_POINTS"] ?? 20);
const seed = Number(process.env["PLINTH_FAULT_SEED"] ?? 1);
const timeout = 240_000 + points * 15_000;

const missing = await kafkaMissing({ own: true });

let folder: string;
let database: TestDatabase;
let kafka: LocalKafka | undefined;
const actors: Actor[] = [];

interface Actor {
  kind: "producer" | "consumer";
  child: ChildProcess;
}

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "plinth-faults-"));
  const migrations = path.join(folder, "migrations");
  await mkdir(migrations);
  await writeFile(
    path.join(migrations, "0001_items.sql"),
    `CREATE TABLE item (key text PRIMARY KEY, n integer NOT NULL);
     CREATE TABLE effect (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL, n integer NOT NULL);
     CREATE TABLE number (message_id uuid, sequence bigint, PRIMARY KEY (message_id, sequence));`,
  );
  database = await createTestDatabase("shop");
  await migrate({
    ...{ url: database.ddlUrl, schema: "shop", runtimeRole: database.runtimeRole, directory: migrations },
    ...{ logger: silentLogger, clock: systemClock },
  });
});

afterEach(async () => {
  await Promise.all(actors.splice(0).map(({ child }) => end(child, "SIGKILL")));
  await kafka?.kill();
  kafka = undefined;
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await ended;
}

/** Changes that producers said were committed. */
const acknowledged: string[] = [];
let errors = "";

function start(kind: Actor["kind"], settings: ActorSettings): Actor {
  const file = path.join(import.meta.dirname, `${kind}.ts`);
  const child = spawn(process.execPath, [file, JSON.stringify(settings)], { stdio: ["pipe", "pipe", "pipe"] });
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    acknowledged.push(...lines);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-20_000);
  });
  return { kind, child };
}

async function everythingOnceInOrder(settings: ActorSettings, restartBroker?: () => Promise<void>): Promise<void> {
  const random = createSeededRandom(seed);
  const pick = (below: number) => Math.floor(random.fraction() * below);
  acknowledged.length = 0;
  errors = "";
  for (const kind of ["producer", "producer", "consumer", "consumer"] as const) actors.push(start(kind, settings));
  const effects = async (sql: string) =>
    Number((await database.admin(`SELECT ${sql} AS n FROM shop.effect`))[0]?.["n"]);
  const kills = { producer: 0, consumer: 0, broker: 0 };

  for (let point = 0; point < points; point++) {
    // Somewhere in the middle of work: after so many more changes, and not before something arrived since the last time.
    const wanted = acknowledged.length + 5 + pick(60);
    const handled = await effects("count(*)");
    await eventually(() => expect(acknowledged.length, errors).toBeGreaterThan(wanted), 60_000);
    if (pick(2) === 0)
      await eventually(async () => expect(await effects("count(*)"), errors).toBeGreaterThan(handled), 90_000);
    if (restartBroker && pick(8) === 0) {
      kills.broker++;
      await restartBroker();
      continue;
    }
    const index = pick(actors.length);
    const victim = actors[index] as Actor;
    kills[victim.kind]++;
    await end(victim.child, "SIGKILL");
    actors[index] = start(victim.kind, settings);
  }

  // Nothing changes any more; the relays go on with what is left.
  // The lock waits for changes that have begun and are not committed yet; those that wait for it are refused then.
  await database.admin(
    `BEGIN; REVOKE INSERT, UPDATE ON shop.item FROM ${database.runtimeRole}; LOCK TABLE shop.item IN SHARE MODE; COMMIT`,
  );
  const items = (await database.admin("SELECT key, n FROM shop.item ORDER BY key")) as { key: string; n: number }[];
  const changes = items.reduce((sum, { n }) => sum + n, 0);
  await eventually(async () => expect(await effects("count(*)"), errors).toBe(changes), 120_000);

  const seen = (await database.admin("SELECT key, n FROM shop.effect ORDER BY position")) as {
    key: string;
    n: number;
  }[];
  for (const { key, n } of items) {
    expect(seen.filter((effect) => effect.key === key).map((effect) => effect.n)).toEqual(
      Array.from({ length: n }, (_, i) => i + 1),
    );
  }
  const handled = new Set(seen.map(({ key, n }) => `${key} ${n}`));
  expect(acknowledged.filter((change) => !handled.has(change))).toEqual([]);
  // Every message has one number, also when it was published twice, and no number is left out.
  const [numbers] = await database.admin(
    `SELECT count(*)::int AS pairs, count(DISTINCT message_id)::int AS messages, count(DISTINCT sequence)::int AS numbers,
       min(sequence)::int AS first, max(sequence)::int AS last FROM shop.number`,
  );
  expect(numbers).toEqual({ pairs: changes, messages: changes, numbers: changes, first: 1, last: changes });
  process.stdout.write(
    `${points} kills (${JSON.stringify(kills)}), seed ${seed}: ${changes} changes handled once, in order, under ${changes} numbers without a gap\n`,
  );
}

describe(`killed at ${points} points (seed ${seed}), every change is handled once, in order per key`, () => {
  test("over PostgreSQL", { timeout }, async () => {
    await database.admin(
      `CREATE SCHEMA plinth_bus; SET search_path = plinth_bus; ${busSchemaSql}; GRANT USAGE ON SCHEMA plinth_bus TO PUBLIC; GRANT ALL ON ALL TABLES IN SCHEMA plinth_bus TO PUBLIC`,
    );
    const busUrl = new URL(database.url);
    busUrl.searchParams.set("options", "-c search_path=plinth_bus");
    await everythingOnceInOrder({ databaseUrl: database.url, busUrl: busUrl.href });
  });

  test.skipIf(missing)(
    `over Kafka, its broker among the killed${missing ? ` (${missing})` : ""}`,
    { timeout },
    async () => {
      const directory = path.join(folder, "kafka");
      kafka = await startKafka({ directory, clock: systemClock });
      const port = Number(kafka.address.split(":")[1]);
      const settings = {
        brokers: [kafka.bootstrapServers],
        ...{ tls: false, ca: undefined, sasl: undefined, prefix: "plinth." },
        ...{ partitions: 4, replication: 1, retentionMs: 3_600_000 },
      };
      await everythingOnceInOrder({ databaseUrl: database.url, kafka: settings }, async () => {
        await kafka?.kill();
        kafka = await startKafka({ directory, clock: systemClock, port });
      });
    },
  );
});

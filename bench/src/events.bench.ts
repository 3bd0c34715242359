import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Int32ValueSchema } from "@bufbuild/protobuf/wkt";
import { appendEvent, type BusMessage, createOutboxRelay, createPostgresBus, type EventBus } from "@plinth/bus";
import { createKafkaBus } from "@plinth/bus/kafka";
import { startEmbeddedPostgres } from "@plinth/cli";
import { type Component, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { kafkaProblem, kafkaVersion, startKafka } from "@plinth/local-servers";
import { createDatabase, type Database, markAllHandled, markHandled } from "@plinth/postgres";
import pg from "pg";
import { inSchema, makeEventSchemas } from "./event-schemas.ts";
import { printTable } from "./table.ts";
import { until } from "./until.ts";

const tools = { logger: silentLogger, clock: systemClock, random: systemRandom };
const backlog = 5_000;
const keys = 200;
const pacedPerSecond = 100;
const topic = "bench.item.v1";

/** From the outbox over the bus to a consumer with an inbox, all in one process, on a PostgreSQL that waits for the disk: a backlog, then events as they happen. */
export async function benchEvents(seconds: number): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-events-"));
  const postgres = await startEmbeddedPostgres({
    dataDirectory: path.join(folder, "data"),
    logFile: path.join(folder, "postgres.log"),
    superuserPassword: "bench",
    preferredPort: 15_439,
  });
  const server = postgres.url("postgres");
  const rows = [];
  try {
    rows.push(await measure("PostgreSQL", await prepare(server, "a"), seconds, async (url) => postgresBus(url)));
    const problem = await kafkaProblem();
    if (problem !== undefined) process.stdout.write(`Kafka is left out: ${problem}\n`);
    else rows.push(await measureKafka(path.join(folder, "kafka"), await prepare(server, "b"), seconds));
  } finally {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
  const title = `Events: ${backlog} waiting in the outbox, then ${pacedPerSecond} a second for ${seconds} s; 4 partitions, one consumer, Kafka ${kafkaVersion} as one broker`;
  printTable(title, rows);
}

async function measureKafka(directory: string, url: string, seconds: number) {
  const kafka = await startKafka({ directory, clock: systemClock });
  try {
    const settings = {
      brokers: [kafka.bootstrapServers],
      ...{ tls: false, ca: undefined, sasl: undefined, prefix: "bench." },
      ...{ partitions: 4, replication: 1, retentionMs: 3_600_000 },
    };
    const row = await measure("Kafka", url, seconds, async () =>
      createKafkaBus({ ...tools, settings, clientId: "bench" }),
    );
    return { ...row, "broker MiB": await residentMiB(kafka.pid) };
  } finally {
    await kafka.kill();
  }
}

/** A database with outbox, inbox and bus; returns its URL. */
async function prepare(serverUrl: string, name: string): Promise<string> {
  const admin = new pg.Client({ connectionString: serverUrl });
  await admin.connect();
  await admin.query(`CREATE DATABASE bench_${name}`);
  await admin.end();
  const url = new URL(serverUrl);
  url.pathname = `/bench_${name}`;
  await makeEventSchemas(url.href);
  return url.href;
}

const postgresBus = (url: string): EventBus =>
  createPostgresBus({ ...tools, url: inSchema(url, "plinth_bus"), applicationName: "bench" });

async function measure(name: string, url: string, seconds: number, open: (url: string) => Promise<EventBus>) {
  const database = createDatabase({ ...tools, url: inSchema(url, "shop"), applicationName: "bench" });
  const bus = await open(url);
  const handledAtMs = new Map<string, number>();
  let published = 0;
  const counting: EventBus = {
    ...bus,
    async publish(messages) {
      await bus.publish(messages);
      published += messages.length;
    },
  };
  const consumer = bus.subscribe({
    group: "bench",
    topics: [topic],
    async handle({ id }: BusMessage) {
      await database.transaction((tx) => markHandled(tx, "bench", id));
      handledAtMs.set(id, performance.now());
    },
  });
  let together = 0;
  const batches = bus.subscribe({
    group: "bench-together",
    topics: [topic],
    async handle({ id }) {
      await database.transaction((tx) => markHandled(tx, "bench-together", id));
      together++;
    },
    async handleTogether(messages) {
      const ids = messages.map(({ id }) => id);
      await database.transaction((tx) => markAllHandled(tx, "bench-together", ids));
      together += messages.length;
    },
  });
  const relay = createOutboxRelay({ ...tools, database, bus: counting, source: "bench" });
  const parts: Component[] = [database, bus, relay, consumer];
  await database.start?.();
  await bus.start?.();
  await fill(database);

  const relaying = await rate(
    () => relay.start?.(),
    async () => published >= backlog,
  );
  const consuming = await rate(
    () => consumer.start?.(),
    async () => handledAtMs.size >= backlog,
  );
  const consumingTogether = await rate(
    () => batches.start?.(),
    async () => together >= backlog,
  );
  await batches.stop?.(AbortSignal.timeout(20_000));
  const cpu = process.cpuUsage();
  const latencies = await paced(database, seconds, handledAtMs);
  const used = process.cpuUsage(cpu);
  for (const part of parts.toReversed()) await part.stop?.(AbortSignal.timeout(20_000));
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  return {
    bus: name,
    "relayed/s": relaying,
    "consumed/s": consuming,
    "together/s": consumingTogether,
    "p50 ms": at(0.5),
    "p99 ms": at(0.99),
    "max ms": latencies.at(-1) ?? Number.NaN,
    "CPU %": ((used.user + used.system) / (seconds * 1e6)) * 100,
    "process MiB": process.memoryUsage.rss() / 2 ** 20,
    "broker MiB": "in PostgreSQL" as string | number,
  };
}

/** Many in one transaction: that the outbox can be written to is not the question here. */
async function fill(database: Database): Promise<void> {
  for (let done = 0; done < backlog; done += 1_000) {
    await database.transaction(async (tx) => {
      for (let i = done; i < done + 1_000; i++) await appendEvent(tx, event(i));
    });
  }
}

async function rate(start: () => Promise<void> | undefined, done: () => Promise<boolean>): Promise<number> {
  const begin = performance.now();
  await start();
  await until(done);
  return backlog / ((performance.now() - begin) / 1000);
}

/** Milliseconds from commit to the end of the consumer's transaction, sorted. */
async function paced(database: Database, seconds: number, handledAtMs: Map<string, number>): Promise<number[]> {
  const committedAtMs = new Map<string, number>();
  const begin = performance.now();
  for (let i = 0; i < seconds * pacedPerSecond; i++) {
    const dueMs = begin + (i * 1000) / pacedPerSecond;
    if (dueMs > performance.now()) await systemClock.sleep(dueMs - performance.now());
    const id = await database.transaction((tx) => appendEvent(tx, event(i)));
    committedAtMs.set(id, performance.now());
  }
  await until(async () => [...committedAtMs.keys()].every((id) => handledAtMs.has(id)));
  const latencies = [...committedAtMs].map(([id, atMs]) => (handledAtMs.get(id) ?? Number.NaN) - atMs);
  return latencies.sort((a, b) => a - b);
}

const event = (i: number) => ({
  ...{ topic, key: `k${i % keys}`, subject: `items/k${i % keys}`, schema: Int32ValueSchema, message: { value: i } },
  context: { actor: "user:bench", requestId: "bench", traceparent: undefined },
});

async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
}

import { type Component, createLifecycle, createLogger, systemClock, systemRandom } from "@plinth/kernel";
import { createDatabase } from "@plinth/postgres";
import { createPostgresBus, type EventBus } from "../../src/index.ts";
import type { KafkaSettings } from "../../src/kafka/index.ts";

/** What a process of the fault suite is told, as JSON in its first argument. */
export interface ActorSettings {
  databaseUrl: string;
  /** One of the two. */
  busUrl?: string;
  kafka?: KafkaSettings;
}

/** What producer and consumer have in common: a database, a bus, and an end when nobody listens to them any more. */
export async function runActor(
  compose: (parts: { database: ReturnType<typeof createDatabase>; bus: EventBus; tools: typeof tools }) => Component[],
): Promise<void> {
  const settings = JSON.parse(process.argv[2] ?? "{}") as ActorSettings;
  const database = createDatabase({ ...tools, url: settings.databaseUrl, applicationName: "actor" });
  const bus = await busOf(settings);
  const lifecycle = createLifecycle([database, bus, ...compose({ database, bus, tools })], tools);
  const stop = () => void lifecycle.stop().then(() => process.exit(0));
  process.once("SIGTERM", stop);
  process.stdin.on("end", stop).resume();
  await lifecycle.start();
}

const tools = {
  logger: createLogger({ service: "actor", level: "error", write: (line) => process.stderr.write(line) }),
  clock: systemClock,
  random: systemRandom,
};

async function busOf({ busUrl, kafka }: ActorSettings): Promise<EventBus> {
  if (busUrl !== undefined) return createPostgresBus({ ...tools, url: busUrl, applicationName: "actor" });
  const { createKafkaBus } = await import("../../src/kafka/index.ts");
  if (!kafka) throw new Error("the actor has no bus");
  return createKafkaBus({ ...tools, settings: kafka, clientId: "actor", sessionTimeoutMs: 6_000 });
}

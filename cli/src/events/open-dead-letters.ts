import { createPostgresDeadLetters, type DeadLetters } from "@plinth/bus";
import { type ConfigSource, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { namedBus } from "./named-bus.ts";

export async function openDeadLetters(data: string, env: ConfigSource): Promise<DeadLetters> {
  const tools = { logger: silentLogger, clock: systemClock, random: systemRandom };
  const bus = await namedBus(data, env);
  if (bus.driver === "postgres") return createPostgresDeadLetters({ ...tools, url: bus.url });
  const { createKafkaDeadLetters } = await import("@plinth/bus/kafka");
  return createKafkaDeadLetters({ ...tools, settings: bus.settings });
}

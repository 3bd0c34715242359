import { type ConsumerGroups, createPostgresConsumerGroups } from "@plinth/bus";
import { type ConfigSource, silentLogger, systemClock } from "@plinth/kernel";
import { namedBus } from "./named-bus.ts";

export async function openConsumerGroups(data: string, env: ConfigSource): Promise<ConsumerGroups> {
  const bus = await namedBus(data, env);
  if (bus.driver === "postgres")
    return createPostgresConsumerGroups({ url: bus.url, logger: silentLogger, clock: systemClock });
  const { createKafkaConsumerGroups } = await import("@plinth/bus/kafka");
  return createKafkaConsumerGroups({ settings: bus.settings, logger: silentLogger });
}

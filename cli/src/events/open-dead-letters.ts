import { createPostgresDeadLetters, type DeadLetters } from "@plinth/bus";
import { type ConfigSource, readConfig, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { busConfig, kafkaBusConfig, kafkaSettings, postgresBusConfig } from "@plinth/service/bus-config";
import { CommandFailure } from "../exit-codes.ts";
import { control } from "../local/control-socket.ts";
import { localPaths } from "../local/local-paths.ts";

/**
 * The dead letters of the platform that runs on this data, or of the bus that the environment names with the keys that services
 * read, for a cluster's.
 */
export async function openDeadLetters(data: string, env: ConfigSource): Promise<DeadLetters> {
  const source = (await control(localPaths(data).controlSocket).bus()) ?? env;
  if (source["PLINTH_BUS_URL"] === undefined && source["PLINTH_KAFKA_BROKERS"] === undefined) {
    throw new CommandFailure(
      `no platform runs on ${data}, and the environment names no event bus: start one with npm start, or set PLINTH_BUS_DRIVER and PLINTH_KAFKA_BROKERS or PLINTH_BUS_URL`,
    );
  }
  const tools = {
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
  };
  if (readConfig(busConfig, source).busDriver === "postgres") {
    return createPostgresDeadLetters({ ...tools, url: readConfig(postgresBusConfig, source).busUrl });
  }
  const settings = await kafkaSettings(readConfig(kafkaBusConfig, source));
  const { createKafkaDeadLetters } = await import("@plinth/bus/kafka");
  return createKafkaDeadLetters({ ...tools, settings });
}

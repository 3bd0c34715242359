import type { KafkaSettings } from "@plinth/bus/kafka";
import { type ConfigSource, readConfig } from "@plinth/kernel";
import { busConfig, kafkaBusConfig, kafkaSettings, postgresBusConfig } from "@plinth/service/bus-config";
import { CommandFailure } from "../exit-codes.ts";
import { control } from "../local/control-socket.ts";
import { localPaths } from "../local/local-paths.ts";

export type NamedBus = { driver: "postgres"; url: string } | { driver: "kafka"; settings: KafkaSettings };

/**
 * The bus of the platform that runs on this data, or the one that the environment names with the keys that services read, for a
 * cluster's.
 */
export async function namedBus(data: string, env: ConfigSource): Promise<NamedBus> {
  const source = (await control(localPaths(data).controlSocket).bus()) ?? env;
  if (source["PLINTH_BUS_URL"] === undefined && source["PLINTH_KAFKA_BROKERS"] === undefined) {
    throw new CommandFailure(
      `no platform runs on ${data}, and the environment names no event bus: start one with npm start, or set PLINTH_BUS_DRIVER and PLINTH_KAFKA_BROKERS or PLINTH_BUS_URL`,
    );
  }
  return readBus(source);
}

/** The bus that the keys of services name. */
export async function readBus(source: ConfigSource): Promise<NamedBus> {
  return readConfig(busConfig, source).busDriver === "postgres"
    ? { driver: "postgres", url: readConfig(postgresBusConfig, source).busUrl }
    : { driver: "kafka", settings: await kafkaSettings(readConfig(kafkaBusConfig, source)) };
}

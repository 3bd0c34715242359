import { readFile } from "node:fs/promises";
import { createPostgresBus, type EventBus } from "@plinth/bus";
import type { KafkaSettings } from "@plinth/bus/kafka";
import { type Clock, ConfigError, type Logger, type Random } from "@plinth/kernel";
import type { KafkaBusConfig } from "./service-config.ts";

export interface BusTools {
  applicationName: string;
  logger: Logger;
  clock: Clock;
  random: Random;
}

/** The bus that the configuration names; undefined for a service without one. Connects to nothing yet. */
export async function openBus(
  config: { busDriver?: string; busUrl?: string } & Partial<KafkaBusConfig>,
  tools: BusTools,
): Promise<EventBus | undefined> {
  if (config.busDriver === "kafka") {
    // Loaded when it is used: elsewhere nobody pays for the client.
    const { createKafkaBus } = await import("@plinth/bus/kafka");
    const settings = await kafkaSettings(config as KafkaBusConfig);
    return createKafkaBus({ ...tools, settings, clientId: tools.applicationName });
  }
  return config.busUrl === undefined ? undefined : createPostgresBus({ ...tools, url: config.busUrl });
}

/** Throws ConfigError when keys do not fit together or the authority's file cannot be read. */
export async function kafkaSettings(config: KafkaBusConfig): Promise<KafkaSettings> {
  const problems: string[] = [];
  const { kafkaSaslMechanism: mechanism, kafkaUsername: username, kafkaPassword: password } = config;
  if (config.kafkaBrokers.length === 0)
    problems.push("PLINTH_KAFKA_BROKERS must name at least one broker, as host:port");
  if (mechanism !== "none" && (username === "" || password === "")) {
    problems.push(
      `PLINTH_KAFKA_USERNAME and PLINTH_KAFKA_PASSWORD are required with PLINTH_KAFKA_SASL_MECHANISM=${mechanism}`,
    );
  }
  if (config.kafkaCaFile !== undefined && config.kafkaTls === "off") {
    problems.push("PLINTH_KAFKA_CA_FILE has no meaning with PLINTH_KAFKA_TLS=off: turn it on, or leave the file out");
  }
  const ca = await readAuthority(config.kafkaCaFile, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    brokers: config.kafkaBrokers,
    tls: config.kafkaTls === "on",
    ca,
    sasl: mechanism === "none" ? undefined : { mechanism, username, password },
    prefix: config.kafkaTopicPrefix,
    partitions: config.kafkaPartitions,
    replication: config.kafkaReplication,
    retentionMs: config.kafkaRetentionMs,
  };
}

async function readAuthority(file: string | undefined, problems: string[]): Promise<string | undefined> {
  if (file === undefined) return undefined;
  return readFile(file, "utf8").catch((err: Error) => {
    problems.push(`PLINTH_KAFKA_CA_FILE cannot be read: ${err.message}`);
    return undefined;
  });
}

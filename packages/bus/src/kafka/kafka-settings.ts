/** How the brokers are reached and what topics are made like; the configuration keys PLINTH_KAFKA_*. */
export interface KafkaSettings {
  /** host:port */
  brokers: readonly string[];
  tls: boolean;
  /** PEM of the authority that signed the brokers' certificates; the system's when absent. */
  ca: string | undefined;
  sasl: KafkaLogin | undefined;
  /** Of the names of all topics and groups, so that rights can be given by prefix. */
  prefix: string;
  /** Of topics that are made. */
  partitions: number;
  replication: number;
  retentionMs: number;
}

export interface KafkaLogin {
  mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
  username: string;
  password: string;
}

/** Names on Kafka; domains must not be called "dlq" or "replay". */
export function kafkaNames(prefix: string) {
  const deadLetters = `${prefix}dlq.`;
  const replays = `${prefix}replay.`;
  return {
    topic: (topic: string) => `${prefix}${topic}`,
    group: (group: string) => `${prefix}${group}`,
    /** The topic of a group's dead letters, keyed by message and time of death: a record without value takes the letter off the list. */
    deadLetters: (group: string) => `${deadLetters}${group}`,
    /** The topic through which a group gets dead letters back. */
    replays: (group: string) => `${replays}${group}`,
    /** The topic as services know it, of one that carries events for everybody; undefined for any other name. */
    eventTopic: (name: string): string | undefined =>
      name.startsWith(prefix) && !name.startsWith(deadLetters) && !name.startsWith(replays)
        ? name.slice(prefix.length)
        : undefined,
    /** The group whose dead letters are in a topic of this name. */
    groupOfDeadLetters: (name: string): string | undefined =>
      name.startsWith(deadLetters) ? name.slice(deadLetters.length) : undefined,
  };
}

export type KafkaNames = ReturnType<typeof kafkaNames>;

/** A dead letter that nobody looks at is dropped after this long; one that was handed back, when its group stays away. */
export const deadLetterRetentionMs = 90 * 86_400_000;
export const replayRetentionMs = 90 * 86_400_000;

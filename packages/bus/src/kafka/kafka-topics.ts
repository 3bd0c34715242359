import type { Clock } from "@plinth/kernel";
import type { Admin } from "kafkajs";
import type { KafkaSettings } from "./kafka-settings.ts";

/** A connected administration client and what it has learnt. */
export interface KafkaTopics {
  /** Makes the topics that are missing, as declared; resolves when all have leaders. */
  ensure(names: readonly string[]): Promise<void>;
  /** Makes a topic with one partition: `compact` keeps the newest record of each key, for `retentionMs` at most. */
  ensureSingle(name: string, options: { compact: boolean; retentionMs: number }): Promise<void>;
  list(): Promise<string[]>;
}

const leadersTimeoutMs = 15_000;
const leadersPollMs = 50;

export function createKafkaTopics(admin: () => Promise<Admin>, settings: KafkaSettings, clock: Clock): KafkaTopics {
  const known = new Set<string>();

  async function list(): Promise<string[]> {
    const names = await (await admin()).listTopics();
    known.clear();
    for (const name of names) known.add(name);
    return names;
  }

  async function create(
    names: readonly string[],
    numPartitions: number,
    configEntries: { name: string; value: string }[],
  ): Promise<void> {
    if (names.every((name) => known.has(name))) return;
    // Asked first: a client that may not make topics can use those that somebody else made.
    await list();
    const missing = names.filter((name) => !known.has(name));
    if (missing.length === 0) return;
    const { replication: replicationFactor } = settings;
    const topics = missing.map((topic) => ({ topic, numPartitions, replicationFactor, configEntries }));
    // False when somebody else was faster.
    await (await admin()).createTopics({ topics, waitForLeaders: false });
    await untilLed(missing);
    for (const name of missing) known.add(name);
  }

  /** Brokers hear of a new topic one after the other; kafkajs' own wait gives up at the first that has not. */
  async function untilLed(names: string[]): Promise<void> {
    const deadlineMs = clock.monotonicMs() + leadersTimeoutMs;
    for (;;) {
      try {
        const { topics } = await (await admin()).fetchTopicMetadata({ topics: names });
        if (topics.every(({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0)))
          return;
      } catch (err) {
        if (clock.monotonicMs() > deadlineMs) throw err;
      }
      if (clock.monotonicMs() > deadlineMs) throw new Error(`the topics ${names.join(", ")} have no leaders yet`);
      await clock.sleep(leadersPollMs);
    }
  }

  return {
    list,
    ensure: (names) =>
      create(names, settings.partitions, [{ name: "retention.ms", value: String(settings.retentionMs) }]),
    ensureSingle: (name, { compact, retentionMs }) =>
      create([name], 1, [
        { name: "cleanup.policy", value: compact ? "compact,delete" : "delete" },
        { name: "retention.ms", value: String(retentionMs) },
      ]),
  };
}

import type { Logger } from "@plinth/kernel";
import type { ConsumerGroups, GroupLag } from "../consumer-groups.ts";
import { createKafkaClient } from "./kafka-client.ts";
import { type KafkaSettings, kafkaNames } from "./kafka-settings.ts";
import { waitingIn } from "./waiting.ts";

export interface KafkaConsumerGroupsOptions {
  settings: KafkaSettings;
  logger: Logger;
}

/** The groups whose names begin with our prefix, as the brokers know them. */
export async function createKafkaConsumerGroups(options: KafkaConsumerGroupsOptions): Promise<ConsumerGroups> {
  const names = kafkaNames(options.settings.prefix);
  const kafka = createKafkaClient(options.settings, "plinth-events", options.logger);
  const admin = kafka.admin();
  await admin.connect();

  async function lagsOf(groupId: string, members: number): Promise<GroupLag[]> {
    const lags: GroupLag[] = [];
    for (const { topic, partitions } of await admin.fetchOffsets({ groupId })) {
      const ends = await admin.fetchTopicOffsets(topic);
      const waiting = waitingIn(ends, partitions).reduce((sum, partition) => sum + partition.waiting, 0);
      const group = groupId.slice(options.settings.prefix.length);
      lags.push({ group, topic: names.eventTopic(topic) ?? "replay", waiting, members });
    }
    return lags;
  }

  return {
    async list() {
      const all = (await admin.listGroups()).groups.map(({ groupId }) => groupId);
      const ours = all.filter((groupId) => groupId.startsWith(names.group(""))).sort();
      if (ours.length === 0) return [];
      const { groups } = await admin.describeGroups(ours);
      const lags: GroupLag[] = [];
      for (const { groupId, members } of groups) lags.push(...(await lagsOf(groupId, members.length)));
      return lags.sort((a, b) => compare(a.group, b.group) || compare(a.topic, b.topic));
    },
    close: () => admin.disconnect(),
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

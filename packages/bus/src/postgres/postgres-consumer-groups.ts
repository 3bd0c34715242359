import type { Clock, Logger } from "@plinth/kernel";
import { createDatabase } from "@plinth/postgres";
import type { ConsumerGroups, GroupLag } from "../consumer-groups.ts";
import { lockName } from "./schema.ts";

export interface PostgresConsumerGroupsOptions {
  /** postgres:// URL of the role plinth_bus. */
  url: string;
  logger: Logger;
  clock: Clock;
}

/** Who holds a partition's advisory lock is a member; what retention removed waits no more. */
const lagsSql = `
  SELECT known.consumer_group AS "group", known.topic, count(DISTINCT lock.pid)::int AS members,
    sum(greatest(0, head.position - greatest(coalesce(consumer.position, 0), coalesce(oldest.position - 1, head.position))))::bigint AS waiting
  FROM (SELECT DISTINCT consumer_group, topic FROM consumer) AS known
  JOIN partition_head head ON head.topic = known.topic
  LEFT JOIN consumer ON consumer.consumer_group = known.consumer_group
    AND consumer.topic = head.topic AND consumer.partition = head.partition
  LEFT JOIN LATERAL (
    SELECT position FROM message WHERE message.topic = head.topic AND message.partition = head.partition ORDER BY position LIMIT 1
  ) AS oldest ON true
  LEFT JOIN pg_locks lock ON lock.locktype = 'advisory' AND lock.granted
    AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (lock.classid::bigint << 32) | lock.objid::bigint = hashtextextended(${lockName("known.consumer_group", "head.topic", "head.partition")}, 1)
  GROUP BY known.consumer_group, known.topic ORDER BY known.consumer_group, known.topic`;

export function createPostgresConsumerGroups(options: PostgresConsumerGroupsOptions): ConsumerGroups {
  const database = createDatabase({ ...options, applicationName: "consumer groups", poolMax: 1 });
  return {
    async list() {
      const rows = await database.query<Omit<GroupLag, "waiting"> & { waiting: string }>(lagsSql);
      return rows.map(({ group, topic, members, waiting }) => ({ group, topic, members, waiting: Number(waiting) }));
    },
    close: async () => database.stop?.(AbortSignal.timeout(5_000)),
  };
}

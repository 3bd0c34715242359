/** How far a group is with a topic. */
export interface GroupLag {
  group: string;
  /** "replay" for the dead letters that a group on Kafka is handed back. */
  topic: string;
  /** Events that are kept and that the group has not handled. */
  waiting: number;
  /** Processes that consume: of this topic on PostgreSQL, of the group on Kafka. 0: nobody works on what waits. */
  members: number;
}

/**
 * What waits for which group, also for groups of which no process runs: those tell no metric. A group is known from the first
 * event that it is done with.
 */
export interface ConsumerGroups {
  /** By group and topic. */
  list(): Promise<GroupLag[]>;
  close(): Promise<void>;
}

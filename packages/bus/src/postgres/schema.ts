/** DDL of the bus, idempotent. The substrate runs it with search_path = plinth_bus and grants the tables to role plinth_bus. */
export const busSchemaSql = `
CREATE TABLE IF NOT EXISTS partition_head (
  topic text NOT NULL, partition smallint NOT NULL, position bigint NOT NULL,
  PRIMARY KEY (topic, partition)
);
CREATE TABLE IF NOT EXISTS message (
  topic text NOT NULL, partition smallint NOT NULL, position bigint NOT NULL,
  key text NOT NULL, id uuid NOT NULL, source text NOT NULL, type text NOT NULL, subject text NOT NULL,
  time timestamptz NOT NULL, data bytea NOT NULL, actor text NOT NULL, request_id text NOT NULL, traceparent text,
  stored_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (topic, partition, position)
);
CREATE INDEX IF NOT EXISTS message_stored_at ON message (stored_at);
CREATE TABLE IF NOT EXISTS consumer (
  consumer_group text NOT NULL, topic text NOT NULL, partition smallint NOT NULL, position bigint NOT NULL,
  PRIMARY KEY (consumer_group, topic, partition)
);
CREATE TABLE IF NOT EXISTS dead_letter (
  id uuid NOT NULL, consumer_group text NOT NULL, topic text NOT NULL, key text NOT NULL, source text NOT NULL, type text NOT NULL,
  subject text NOT NULL, time timestamptz NOT NULL, data bytea NOT NULL, actor text NOT NULL, request_id text NOT NULL,
  error text NOT NULL, failed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer_group, id)
);
ALTER TABLE dead_letter
  ADD COLUMN IF NOT EXISTS partition smallint NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS position bigint NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS attempts integer NOT NULL DEFAULT 1,
  ADD COLUMN IF NOT EXISTS traceparent text,
  ADD COLUMN IF NOT EXISTS replay_at timestamptz,
  ADD COLUMN IF NOT EXISTS client_address text,
  ADD COLUMN IF NOT EXISTS via text,
  ADD COLUMN IF NOT EXISTS sequence bigint;
ALTER TABLE message
  ADD COLUMN IF NOT EXISTS client_address text,
  ADD COLUMN IF NOT EXISTS via text,
  ADD COLUMN IF NOT EXISTS sequence bigint;
`;

/** Partitions per topic: how many instances of a group can work at once. */
export const partitionCount = 4;

/** Channel that is notified at every publish, with the topic as payload; at a replay with `replayTopic`. */
export const busChannel = "plinth_bus";

/** Stands for the dead letters that a group gets back: in notifications and in the lock of who hands them out. */
export const replayTopic = (group: string): string => `replay.${group}`;

/** SQL for what the advisory lock of a group's partition is made of; the arguments are SQL as well. */
export const lockName = (group: string, topic: string, partition: string): string =>
  `'plinth.consumer:' || ${group} || ':' || ${topic} || ':' || ${partition}`;

/** Partition of a key: FNV-1a, 32 bits. */
export function partitionOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193) >>> 0;
  return hash % partitionCount;
}

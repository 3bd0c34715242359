/** Kafka, as the Secret that the chart's `kafka.existingSecret` names says. */
export interface KafkaAccess {
  /** host:port, comma-separated. */
  brokers: string;
  tls: boolean;
  /** PEM of the authorities that sign the brokers' certificates; undefined: those that everybody trusts. */
  ca: string | undefined;
  mechanism: (typeof mechanisms)[number];
  credentials: { username: string; password: string } | undefined;
  /** Of topics that services make; undefined: what services do by themselves. */
  partitions: number | undefined;
  replication: number | undefined;
}

/** Redis, as the Secret that the chart's `redis.existingSecret` names says. */
export interface RedisAccess {
  url: string;
  /** PEM, as above. */
  ca: string | undefined;
}

/** Servers of other projects that services use; undefined where the platform has none. */
export interface Backing {
  kafka: KafkaAccess | undefined;
  redis: RedisAccess | undefined;
}

/** Entries of a Secret by name; an absent or empty one is undefined. */
export type SecretEntries = Readonly<Record<string, string | undefined>>;

export const kafkaEntries = [
  "brokers",
  "username",
  "password",
  "mechanism",
  "tls",
  "ca.crt",
  "partitions",
  "replication",
] as const;
export const redisEntries = ["url", "ca.crt"] as const;

const mechanisms = ["none", "plain", "scram-sha-256", "scram-sha-512"] as const;

/** Throws with what is wrong with the Secret, for whoever made it. */
export function readKafka(entries: SecretEntries): KafkaAccess {
  const { brokers, username, password, "ca.crt": ca } = entries;
  if (brokers === undefined) throw new Error('kafka.existingSecret needs the entry "brokers": host:port, with commas');
  const mechanism = entries["mechanism"] ?? (username === undefined ? "none" : "scram-sha-512");
  const tls = entries["tls"] ?? (ca === undefined ? "off" : "on");
  if (!isMechanism(mechanism))
    throw new Error(`the entry "mechanism" of kafka.existingSecret must be one of ${mechanisms.join(", ")}`);
  if (tls !== "on" && tls !== "off") throw new Error('the entry "tls" of kafka.existingSecret must be on or off');
  if (ca !== undefined && tls === "off") throw new Error('kafka.existingSecret has a "ca.crt", and "tls" is off');
  const signsIn = mechanism !== "none";
  if (signsIn !== (username !== undefined) || signsIn !== (password !== undefined))
    throw new Error(
      `kafka.existingSecret needs "username" and "password" with a mechanism, and neither with none: it is ${mechanism}`,
    );
  const credentials = username === undefined || password === undefined ? undefined : { username, password };
  const partitions = countIn(entries, "partitions", 1_000);
  const replication = countIn(entries, "replication", 32);
  return { brokers, tls: tls === "on", ca, mechanism, credentials, partitions, replication };
}

function countIn(entries: SecretEntries, name: "partitions" | "replication", max: number): number | undefined {
  const text = entries[name];
  if (text === undefined) return undefined;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= max) return count;
  throw new Error(`the entry "${name}" of kafka.existingSecret must be a whole number from 1 to ${max}`);
}

export function readRedis(entries: SecretEntries): RedisAccess {
  const { url, "ca.crt": ca } = entries;
  if (url === undefined) throw new Error('redis.existingSecret needs the entry "url": redis:// or rediss://');
  if (!URL.canParse(url) || !/^rediss?:$/.test(new URL(url).protocol))
    throw new Error('the entry "url" of redis.existingSecret must be a redis:// or rediss:// URL');
  if (ca !== undefined && !url.startsWith("rediss:"))
    throw new Error('redis.existingSecret has a "ca.crt", and its "url" does not begin with rediss://');
  return { url, ca };
}

const isMechanism = (text: string): text is KafkaAccess["mechanism"] => mechanisms.some((known) => known === text);

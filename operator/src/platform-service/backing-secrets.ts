import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Clock, Component } from "@plinth/kernel";
import { sameContent } from "@plinth/kube";
import { type Backing, kafkaEntries, readKafka, readRedis, redisEntries, type SecretEntries } from "./backing.ts";

/** The mounted Secrets of Kafka and Redis. */
export interface BackingSecrets extends Component {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** As read last; `trouble` when a Secret that is to be there is not, or is wrong. */
  current(): Backing | { trouble: string };
}

export interface BackingSecretsOptions {
  /** Where the Secrets are mounted; undefined: the platform uses none. */
  kafkaFolder: string | undefined;
  redisFolder: string | undefined;
  clock: Clock;
  /** Called when they say something else than before. */
  changed: () => void;
}

/** The kubelet takes a minute or so to bring a new version of a Secret. */
const rereadMs = 10_000;

export function createBackingSecrets({ clock, changed, ...folders }: BackingSecretsOptions): BackingSecrets {
  const stopping = new AbortController();
  let current: Backing | { trouble: string } = { trouble: "the Secrets of Kafka and Redis were not read yet" };
  let running = Promise.resolve();

  async function readAll(): Promise<Backing | { trouble: string }> {
    const { kafkaFolder, redisFolder } = folders;
    try {
      return {
        kafka: kafkaFolder === undefined ? undefined : readKafka(await entriesOf(kafkaFolder, kafkaEntries)),
        redis: redisFolder === undefined ? undefined : readRedis(await entriesOf(redisFolder, redisEntries)),
      };
    } catch (err) {
      return { trouble: (err as Error).message };
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleep(rereadMs, stopping.signal).catch(() => {});
      const next = await readAll();
      if (sameContent(next, current)) continue;
      current = next;
      changed();
    }
  }

  return {
    name: "Secrets of Kafka and Redis",
    current: () => current,
    async start() {
      current = await readAll();
      running = run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** A mounted Secret is a folder with a file for each entry. */
async function entriesOf(folder: string, names: readonly string[]): Promise<SecretEntries> {
  const read = async (name: string) => {
    const text = await readFile(path.join(folder, name), "utf8").catch(() => "");
    return [name, text.trim() || undefined] as const;
  };
  return Object.fromEntries(await Promise.all(names.map(read)));
}

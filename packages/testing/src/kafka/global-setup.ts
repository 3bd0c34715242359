import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { type LocalKafka, startKafka } from "@plinth/local-servers";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Answers with host:port of the run's Kafka; starts it at the first call. */
    kafkaUrl: string;
  }
}

/** One Kafka for the whole run, started when the first test asks for it: test files run in processes of their own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let kafka: Promise<LocalKafka> | undefined;
  let directory: string | undefined;
  const start = async () => {
    directory = await mkdtemp(path.join(tmpdir(), "plinth-kafka-"));
    return startKafka({ directory, clock: systemClock });
  };
  const server = createServer(async (_, response) => {
    try {
      kafka ??= start();
      response.end((await kafka).bootstrapServers);
    } catch (err) {
      response.writeHead(500).end((err as Error).message);
    }
  });
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  project.provide("kafkaUrl", `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}/`);
  return async () => {
    server.closeAllConnections();
    server.close();
    await (await kafka?.catch(() => undefined))?.kill();
    if (directory) await rm(directory, { recursive: true, force: true });
  };
}

import { createServer } from "node:http";
import type { TestProject } from "vitest/node";
import type { TestServer } from "../servers/either-way.ts";
import { startTestKafka } from "./start-test-kafka.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Answers with host:port of the run's Kafka; starts it at the first call. */
    kafkaUrl: string;
  }
}

/** One Kafka for the whole run, started when the first test asks for it: test files run in processes of their own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let kafka: Promise<TestServer> | undefined;
  const server = createServer(async (_, response) => {
    try {
      kafka ??= startTestKafka(process.env);
      response.end((await kafka).url);
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
    await (await kafka?.catch(() => undefined))?.stop();
  };
}

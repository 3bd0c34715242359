import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { freePort, kafkaProperties, startKafka } from "@plinth/local-servers";
import type { Environment } from "../servers/container-engine.ts";
import { type StartedServer, startEitherWay, type TestServer } from "../servers/either-way.ts";
import { images } from "../servers/images.ts";
import { startContainer } from "../servers/start-container.ts";

/** A Kafka in one of the two ways; the URL is host:port for clients' `brokers`. */
export const startTestKafka = (env: Environment): Promise<TestServer> =>
  startEitherWay({ image: images.kafka, env, container: () => inContainer(env), local: onThisMachine });

const controllerPort = 9093;

/** The same settings as on this machine, in the form that the image takes: KAFKA_ and the name in upper case. */
async function inContainer(env: Environment): Promise<StartedServer> {
  const port = await freePort();
  const more = {
    listeners: `PLAINTEXT://0.0.0.0:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}`,
  };
  const lines = kafkaProperties({ port, controllerPort, data: "/tmp/plinth-kafka", more }).trimEnd().split("\n");
  const environment = Object.fromEntries(
    lines.map((line) => [nameOf(line.slice(0, line.indexOf("="))), line.slice(line.indexOf("=") + 1)]),
  );
  const { stop } = await startContainer({
    image: images.kafka,
    port,
    samePort: true,
    ready: /Kafka Server started/,
    environment,
    env,
  });
  return { url: `127.0.0.1:${port}`, stop };
}

const nameOf = (property: string): string =>
  `KAFKA_${property.replaceAll("_", "__").replaceAll("-", "___").replaceAll(".", "_").toUpperCase()}`;

async function onThisMachine(): Promise<StartedServer> {
  const directory = await mkdtemp(path.join(tmpdir(), "plinth-kafka-"));
  const kafka = await startKafka({ directory, clock: systemClock });
  return {
    url: kafka.bootstrapServers,
    async stop() {
      await kafka.kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

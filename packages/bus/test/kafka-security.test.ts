import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Logger, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { freePort, type LocalKafka, startKafka } from "@plinth/local-servers";
import { eventually, kafkaMissing, selfSignedCertificate } from "@plinth/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createKafkaBus, type KafkaLogin } from "../src/kafka/index.ts";

const missing = await kafkaMissing({ own: true });
const username = "shop";
const password = "open sesame";

describe.skipIf(missing)(
  `brokers that ask for TLS and a login${missing ? ` (${missing})` : ""}`,
  { timeout: 120_000 },
  () => {
    let directory: string;
    let kafka: LocalKafka;
    let broker: string;
    const certificate = selfSignedCertificate("localhost");

    beforeAll(async () => {
      directory = await mkdtemp(path.join(tmpdir(), "plinth-kafka-"));
      const [port, secure, controller] = [await freePort(), await freePort(), await freePort()];
      broker = `localhost:${secure}`;
      const login = "org.apache.kafka.common.security";
      kafka = await startKafka({
        ...{ directory, clock: systemClock, port },
        properties: {
          "controller.quorum.voters": `1@127.0.0.1:${controller}`,
          "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL",
          "inter.broker.listener.name": "PLAINTEXT",
          listeners: `PLAINTEXT://127.0.0.1:${port},SECURE://127.0.0.1:${secure},CONTROLLER://127.0.0.1:${controller}`,
          "advertised.listeners": `PLAINTEXT://127.0.0.1:${port},SECURE://localhost:${secure}`,
          "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
          "listener.name.secure.plain.sasl.jaas.config": `${login}.plain.PlainLoginModule required user_${username}="${password}";`,
          "listener.name.secure.scram-sha-256.sasl.jaas.config": `${login}.scram.ScramLoginModule required;`,
          "listener.name.secure.scram-sha-512.sasl.jaas.config": `${login}.scram.ScramLoginModule required;`,
          "ssl.keystore.type": "PEM",
          "ssl.keystore.certificate.chain": certificate.cert.replaceAll("\n", "\\n"),
          "ssl.keystore.key": certificate.key.replaceAll("\n", "\\n"),
        },
        formatArguments: ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((mechanism) => [
          "--add-scram",
          `${mechanism}=[name=${username},password=${password}]`,
        ]),
      });
    }, 150_000);
    afterAll(async () => {
      await kafka.kill();
      await rm(directory, { recursive: true, force: true });
    });

    const open = (
      sasl: KafkaLogin | undefined,
      ca: string | undefined = certificate.cert,
      logger: Logger = silentLogger,
    ) =>
      createKafkaBus({
        settings: {
          ...{ brokers: [broker], tls: true, ca, sasl, prefix: "plinth." },
          ...{ partitions: 1, replication: 1, retentionMs: 3_600_000 },
        },
        ...{ clientId: "test", logger, clock: systemClock, random: systemRandom },
      });

    const message = (topic: string) => ({
      ...{
        id: systemRandom.uuidv7(Date.now()),
        source: "shop",
        type: "shop.v1.Sold",
        subject: "items/1",
        topic,
        key: "1",
      },
      ...{ time: new Date(), data: Buffer.from("x"), actor: "anonymous", requestId: "", traceparent: undefined },
    });

    test.each(["plain", "scram-sha-256", "scram-sha-512"] as const)("%s: publishes and consumes", async (mechanism) => {
      const bus = open({ mechanism, username, password });
      const sent = message(`t.${mechanism}`);
      await bus.publish([sent]);
      const seen: string[] = [];
      const consumer = bus.subscribe({
        group: mechanism,
        topics: [sent.topic],
        handle: async ({ id }) => void seen.push(id),
      });
      await consumer.start?.();
      await eventually(() => expect(seen).toEqual([sent.id]), 60_000);
      await consumer.stop?.(AbortSignal.timeout(20_000));
      await bus.stop?.(AbortSignal.timeout(20_000));
    });

    test("a wrong password is refused and said in the log, without the password", async () => {
      const lines: string[] = [];
      const record = (fields: object, text: string) => void lines.push(`${text} ${JSON.stringify(fields)}`);
      const logger: Logger = { ...silentLogger, error: record };
      const wrong = "not this one";
      const bus = open({ mechanism: "scram-sha-256", username, password: wrong }, certificate.cert, logger);
      await expect(bus.publish([message("t.wrong")])).rejects.toMatchObject({ reason: "BUS_UNAVAILABLE" });
      expect(lines.join("\n")).toContain("Kafka refuses this client");
      expect(lines.join("\n")).not.toContain(wrong);
      await bus.stop?.(AbortSignal.timeout(20_000));
    });

    test("a broker whose authority is not known is not trusted", async () => {
      const bus = open({ mechanism: "plain", username, password }, selfSignedCertificate("localhost").cert);
      await expect(bus.publish([message("t.stranger")])).rejects.toMatchObject({ reason: "BUS_UNAVAILABLE" });
      await bus.stop?.(AbortSignal.timeout(20_000));
    });
  },
);

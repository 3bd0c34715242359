import { kafkaProblem } from "@plinth/local-servers";
import { inject } from "vitest";
import { chooseWay } from "../servers/either-way.ts";
import { images } from "../servers/images.ts";

const given = process.env["PLINTH_TEST_KAFKA"];

/**
 * Why tests with a real Kafka cannot run here; undefined when they can. For `describe.skipIf`. `own`: the test starts a Kafka of its
 * own, to stop it or to set it up in another way.
 */
export async function kafkaMissing({ own = false } = {}): Promise<string | undefined> {
  if (!own && (given || (await chooseWay(images.kafka, process.env)) === "container")) return undefined;
  return kafkaProblem();
}

/**
 * host:port of the brokers that all tests of this run share: PLINTH_TEST_KAFKA, or a Kafka that starts at the first call.
 * Tests keep apart by topic prefixes of their own.
 */
export async function testKafka(): Promise<string[]> {
  if (given) return given.split(",");
  const response = await fetch(inject("kafkaUrl"));
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return [text];
}

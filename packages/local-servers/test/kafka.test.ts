import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { kafkaMissing } from "@plinth/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { kafkaProblem, type LocalKafka, startKafka } from "../src/index.ts";

const missing = await kafkaMissing({ own: true });

let directory: string;
let kafka: LocalKafka | undefined;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "plinth-kafka-"));
});
afterEach(async () => {
  await kafka?.kill();
  await rm(directory, { recursive: true, force: true });
});

const canConnect = (address: string) =>
  new Promise<boolean>((resolve) => {
    const [host, port] = address.split(":");
    const socket = connect(Number(port), host, () => resolve(socket.destroy() !== undefined));
    socket.on("error", () => resolve(false));
  });

describe.skipIf(missing)(`Kafka on this machine${missing ? ` (${missing})` : ""}`, () => {
  test("starts, survives a kill with its data, and stops in order", { timeout: 400_000 }, async () => {
    kafka = await startKafka({ directory, clock: systemClock });
    expect(await canConnect(kafka.bootstrapServers)).toBe(true);
    const port = Number(kafka.address.split(":")[1]);
    await kafka.kill();
    expect(await canConnect(kafka.bootstrapServers)).toBe(false);

    kafka = await startKafka({ directory, clock: systemClock, port });
    expect(kafka.address).toBe(`127.0.0.1:${port}`);
    expect(await canConnect(kafka.bootstrapServers)).toBe(true);
    await kafka.stop();
    // Java's way to say that SIGTERM was heeded.
    expect(await kafka.exited).toBe("exit code 143");
  });
});

test("says what to install where Java is missing", async () => {
  const before = process.env["PATH"];
  process.env["PATH"] = directory;
  try {
    expect(await kafkaProblem()).toMatch(/needs Java 17 or newer.*default-jre-headless/);
  } finally {
    process.env["PATH"] = before;
  }
});

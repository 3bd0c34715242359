import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createFakeClock, eventually } from "@plinth/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { readKafka, readRedis } from "../src/platform-service/backing.ts";
import { createBackingSecrets } from "../src/platform-service/backing-secrets.ts";

describe("the Secret of Kafka", () => {
  const ca = "-----BEGIN CERTIFICATE-----";
  const user = { username: "plinth", password: "secret" };

  test.each([
    [{}, { tls: false, mechanism: "none", ca: undefined, credentials: undefined }],
    [user, { tls: false, mechanism: "scram-sha-512", credentials: user }],
    [
      { ...user, mechanism: "plain", tls: "on" },
      { tls: true, mechanism: "plain", ca: undefined },
    ],
    [
      { ...user, mechanism: "scram-sha-256", "ca.crt": ca },
      { tls: true, mechanism: "scram-sha-256", ca },
    ],
  ])("with %o", (entries, access) => {
    expect(readKafka({ brokers: "a:9092,b:9092", ...entries })).toMatchObject({ brokers: "a:9092,b:9092", ...access });
  });

  test.each([
    [{}, /"brokers"/],
    [{ brokers: "a:1", username: "plinth" }, /"username" and "password"/],
    [{ brokers: "a:1", password: "secret" }, /"username" and "password"/],
    [{ brokers: "a:1", mechanism: "plain" }, /it is plain/],
    [{ brokers: "a:1", replication: "0" }, /"replication".*from 1 to 32/],
    [{ brokers: "a:1", partitions: "many" }, /"partitions".*from 1 to 1000/],
    [{ brokers: "a:1", ...user, mechanism: "none" }, /it is none/],
    [{ brokers: "a:1", ...user, mechanism: "gssapi" }, /"mechanism".*scram-sha-256/],
    [{ brokers: "a:1", tls: "yes" }, /"tls".*on or off/],
    [{ brokers: "a:1", tls: "off", "ca.crt": ca }, /"ca\.crt"/],
  ])("refuses %o, and does not say what is secret", (entries, problem) => {
    expect(() => readKafka(entries)).toThrow(problem);
    expect(() => readKafka(entries)).not.toThrow(/secret"?$/);
  });
});

test.each([
  [{}, /"url"/],
  [{ url: "redis.example.com:6379" }, /redis:\/\/ or rediss:\/\//],
  [{ url: "http://:secret@redis" }, /^(?!.*:secret@)/],
  [{ url: "redis://redis", "ca.crt": "x" }, /rediss:\/\//],
])("the Secret of Redis cannot be %o", (entries, problem) => {
  expect(() => readRedis(entries)).toThrow(problem);
});

test("mounted Secrets are read again, and who uses them hears of it", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-backing-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [kafkaFolder, redisFolder] = [path.join(folder, "kafka"), path.join(folder, "redis")];
  for (const each of [kafkaFolder, redisFolder]) await mkdir(each);
  // At once, as the kubelet does it: nobody sees half of a file.
  const write = async (file: string, text: string) => {
    await writeFile(path.join(folder, "new"), text);
    await rename(path.join(folder, "new"), file);
  };
  await write(path.join(redisFolder, "url"), "redis://one:6379\n");
  const clock = createFakeClock();
  let changes = 0;
  const secrets = createBackingSecrets({ kafkaFolder, redisFolder, clock, changed: () => changes++ });
  await secrets.start();
  onTestFinished(() => secrets.stop());
  expect(secrets.current()).toMatchObject({ trouble: expect.stringContaining('"brokers"') });

  await write(path.join(kafkaFolder, "brokers"), "kafka:9092");
  await eventually(() => {
    clock.advance(10_000);
    expect(secrets.current()).toMatchObject({ kafka: { brokers: "kafka:9092" }, redis: { url: "redis://one:6379" } });
  });
  expect(changes).toBe(1);
  await write(path.join(redisFolder, "url"), "redis://two:6379\n");
  await eventually(() => {
    clock.advance(10_000);
    expect(secrets.current()).toMatchObject({ redis: { url: "redis://two:6379" } });
  });
  expect(changes).toBe(2);
});

test("a platform without them has none", async () => {
  const none = { kafkaFolder: undefined, redisFolder: undefined };
  const secrets = createBackingSecrets({ ...none, clock: createFakeClock(), changed: () => {} });
  await secrets.start();
  onTestFinished(() => secrets.stop());
  expect(secrets.current()).toEqual({ kafka: undefined, redis: undefined });
});

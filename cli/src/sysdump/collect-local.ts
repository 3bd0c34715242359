import { open, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { createPostgresConsumerGroups } from "@plinth/bus";
import { silentLogger } from "@plinth/kernel";
import { runChecks } from "../checks/check.ts";
import { localChecks } from "../checks/local/local-checks.ts";
import type { LocalContext } from "../checks/local/local-context.ts";
import { readBus } from "../events/named-bus.ts";
import type { LocalPaths } from "../local/local-paths.ts";
import type { Collector } from "./collector.ts";
import { type Redactor, redactYaml } from "./redact.ts";

const logTailMaxBytes = 1024 * 1024;
const metricsTimeoutMs = 10_000;
const metricsMaxBytes = 4 * 1024 * 1024;

/** The platform of this machine: status, checks, manifests, logs, metrics, events, settings. */
export async function collectLocal(context: LocalContext, redactor: Redactor, collector: Collector): Promise<void> {
  const { paths } = context;
  await learnSecrets(paths, redactor);
  await collector.object("checks.yaml", async () => ({
    checks: await runChecks(localChecks, context, { clock: context.clock }),
  }));
  await collector.object("status.yaml", () => context.status());
  await collector.object("settings.yaml", async () => ({
    // Which secrets there are; none of their values.
    secrets: JSON.parse(await readFile(paths.secrets, "utf8")) as object,
    bus: await context.bus(),
  }));
  const services = await context.status().then(
    (status) => status.services,
    () => [],
  );
  for (const { name, manifest, instances } of services) {
    await collector.text(`manifests/${name}.yaml`, async () => redactYaml(await readFile(manifest, "utf8"), redactor));
    for (const { label, adminPort } of instances) {
      await collector.text(`metrics/${label}.txt`, () => metrics(adminPort));
    }
  }
  await collector.object("events/groups.yaml", async () => ({ groups: await groups(context) }));
  for (const file of await readdir(paths.logs).catch(() => [])) {
    await collector.text(`logs/${file}`, () => tail(path.join(paths.logs, file)));
  }
}

/** Every value in the files of secrets, so that it can be recognised wherever it was written. */
async function learnSecrets(paths: LocalPaths, redactor: Redactor): Promise<void> {
  for (const file of [paths.secrets, paths.admin]) {
    const text = await readFile(file, "utf8").catch(() => "{}");
    learnValues(JSON.parse(text), "", redactor);
  }
  const tokens = (await readdir(paths.run).catch(() => [])).filter((name) => /token/.test(name));
  for (const name of tokens) redactor.add(await readFile(path.join(paths.run, name), "utf8").catch(() => ""));
}

/** Of a key that signs, all but the secret part is public; of an account, all but the password. */
const publicFields = new Set(["kty", "crv", "x", "kid", "alg", "email", "userId", "version"]);

function learnValues(value: unknown, name: string, redactor: Redactor): void {
  if (typeof value === "string" && !publicFields.has(name)) redactor.add(value);
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) learnValues(inner, key, redactor);
}

async function metrics(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(metricsTimeoutMs) });
  return (await response.text()).slice(0, metricsMaxBytes);
}

async function groups(context: LocalContext): Promise<object[]> {
  const bus = await readBus(await context.bus());
  if (bus.driver !== "postgres") return [{ bus: "kafka", brokers: bus.settings.brokers }];
  const found = createPostgresConsumerGroups({ url: bus.url, logger: silentLogger, clock: context.clock });
  return found.list().finally(() => found.close());
}

/** The newest part of a log, from the start of a line. */
async function tail(file: string): Promise<string> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, logTailMaxBytes);
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await handle.read(buffer, 0, length, size - length);
    const text = buffer.toString("utf8", 0, bytesRead);
    // The first line was cut, and with it perhaps a secret.
    return length < size ? text.slice(text.indexOf("\n") + 1) : text;
  } finally {
    await handle.close();
  }
}

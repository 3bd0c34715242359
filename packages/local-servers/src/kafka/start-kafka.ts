import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import { type Clock, systemRandom } from "@plinth/kernel";
import { freePort } from "../free-port.ts";
import type { LocalServer } from "../local-server.ts";
import { startServerProcess } from "../server-process.ts";
import { installKafka } from "./install-kafka.ts";
import { kafkaLogging, kafkaProperties } from "./kafka-properties.ts";

const run = promisify(execFile);

export interface LocalKafkaOptions {
  /** Data, settings and log. Made when absent; started on again it serves the same data. */
  directory: string;
  clock: Clock;
  /** Default: a free one. */
  port?: number;
  /** Default: the user's cache folder, filled at the first use. */
  libraries?: string;
  /** More lines of server.properties, in the place of ours with the same names. */
  properties?: Readonly<Record<string, string>>;
  /** More arguments of the formatting tool, for example `--add-scram ...`. */
  formatArguments?: readonly string[];
}

export interface LocalKafka extends LocalServer {
  /** host:port for clients' `brokers`. */
  readonly bootstrapServers: string;
}

const startTimeoutMs = 90_000;
const stopTimeoutMs = 30_000;
const formatTimeoutMs = 60_000;
const connectTimeoutMs = 1_000;
const heapMax = "256m";

// Quick to start rather than quick for hours: one garbage collector thread and the first compiler only.
const javaFlags = [`-Xmx${heapMax}`, "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"];

/** Runs a real Apache Kafka, broker and controller in one process (KRaft), on loopback. */
export async function startKafka(options: LocalKafkaOptions): Promise<LocalKafka> {
  const { directory, clock } = options;
  const libraries = options.libraries ?? (await installKafka());
  const settings = path.join(directory, "server.properties");
  const data = path.join(directory, "data");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const port = options.port ?? (await freePort());
  await writeFile(
    settings,
    kafkaProperties({ port, controllerPort: await freePort(), data, more: options.properties ?? {} }),
    { mode: 0o600 },
  );
  const logging = path.join(directory, "log4j2.properties");
  await writeFile(logging, kafkaLogging);
  const java = [...javaFlags, `-Dlog4j2.configurationFile=file:${logging}`, ...["-cp", path.join(libraries, "*")]];
  if (!(await isFormatted(data))) await format(java, settings, options.formatArguments ?? []);
  const address = `127.0.0.1:${port}`;
  const server = await startServerProcess({
    name: "kafka",
    command: "java",
    args: [...java, "kafka.Kafka", settings],
    directory,
    address,
    // The port opens once the broker is registered and may serve.
    isReady: () => canConnect(port),
    startTimeoutMs,
    stopTimeoutMs,
    clock,
  });
  return { ...server, bootstrapServers: address };
}

const isFormatted = (data: string): Promise<boolean> =>
  readFile(path.join(data, "meta.properties")).then(
    () => true,
    () => false,
  );

async function format(java: readonly string[], settings: string, more: readonly string[]): Promise<void> {
  const clusterId = Buffer.from(systemRandom.bytes(16)).toString("base64url");
  // An id that begins with a dash would be read as an option.
  const id = clusterId.replace(/^-/, "A");
  const args = [...java, "kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", id, "-c", settings, ...more];
  await run("java", args, { timeout: formatTimeoutMs }).catch((err) => {
    throw new Error(`Kafka could not prepare its data folder: ${String(err.stderr || err.message).trim()}`);
  });
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", timeout: connectTimeoutMs });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
    socket.once("timeout", () => end(false));
  });
}

import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { findRedis, freePort, startKafka, startServerProcess } from "@plinth/local-servers";
import { selfSignedCertificate } from "@plinth/testing";
import { attempt } from "./program.ts";

/** This machine, as the pods of the hermetic cluster see it (e2e/cluster/settings.sh). */
export const hostAddress = "198.18.0.1";

/** A Kafka that asks for TLS and SCRAM, and a Redis with TLS and a password, beside the cluster. */
export interface BackingServers {
  /** PEM of the authority of both. */
  ca: string;
  kafka: { host: string; port: number; username: string; password: string };
  redis: { host: string; port: number; password: string };
  /** Objects that give the servers their names in the cluster. */
  objects(namespace: string): object[];
  topics(): Promise<string[]>;
  /** Commands that read, wrote or counted something in Redis. */
  commands(): Promise<number>;
  stop(): Promise<void>;
}

export async function startBackingServers(namespace: string): Promise<BackingServers> {
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-backing-"));
  const nameOf = (service: string): string => `${service}.${namespace}.svc.cluster.local`;
  const { cert, key } = selfSignedCertificate(nameOf("kafka"), nameOf("redis"));
  const password = "open-sesame";
  const kafkaPort = await freePort();
  const kafka = await startKafkaFor({
    folder: path.join(folder, "kafka"),
    name: nameOf("kafka"),
    port: kafkaPort,
    cert,
    key,
    password,
  });
  const redisPort = await freePort();
  const redis = await startRedisFor({ folder: path.join(folder, "redis"), port: redisPort, cert, key, password });
  return {
    ca: cert,
    kafka: { host: nameOf("kafka"), port: kafkaPort, username: "plinth", password },
    redis: { host: nameOf("redis"), port: redisPort, password },
    objects: (within) => [...outsideService(within, "kafka", kafkaPort), ...outsideService(within, "redis", redisPort)],
    topics: async () => [
      ...new Set((await readdir(path.join(folder, "kafka/data"))).map((name) => name.replace(/-\d+$/, ""))),
    ],
    async commands() {
      const stdout = await askRedis(redisPort, password, "INFO", "commandstats");
      const calls = [...stdout.matchAll(/^cmdstat_(?:get|mget|set|del|eval|evalsha)[|\w]*:calls=(\d+)/gm)];
      return calls.reduce((sum, [, count]) => sum + Number(count), 0);
    },
    async stop() {
      await Promise.all([kafka.kill(), redis.kill()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface ServerOptions {
  folder: string;
  port: number;
  cert: string;
  key: string;
  password: string;
}

async function startKafkaFor({ folder, name, port, cert, key, password }: ServerOptions & { name: string }) {
  const [plain, controller] = [await freePort(), await freePort()];
  const scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
  return startKafka({
    directory: folder,
    clock: systemClock,
    port: plain,
    properties: {
      "controller.quorum.voters": `1@127.0.0.1:${controller}`,
      "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL",
      "inter.broker.listener.name": "PLAINTEXT",
      listeners: `PLAINTEXT://127.0.0.1:${plain},SECURE://${hostAddress}:${port},CONTROLLER://127.0.0.1:${controller}`,
      "advertised.listeners": `PLAINTEXT://127.0.0.1:${plain},SECURE://${name}:${port}`,
      "sasl.enabled.mechanisms": "SCRAM-SHA-512",
      "listener.name.secure.scram-sha-512.sasl.jaas.config": scram,
      "ssl.keystore.type": "PEM",
      "ssl.keystore.certificate.chain": cert.replaceAll("\n", "\\n"),
      "ssl.keystore.key": key.replaceAll("\n", "\\n"),
    },
    formatArguments: ["--add-scram", `SCRAM-SHA-512=[name=plinth,password=${password}]`],
  });
}

async function startRedisFor({ folder, port, cert, key, password }: ServerOptions) {
  await mkdir(folder, { recursive: true });
  for (const [file, text] of Object.entries({ "tls.crt": cert, "tls.key": key }))
    await writeFile(path.join(folder, file), text, { mode: 0o600 });
  const configuration = path.join(folder, "redis.conf");
  const lines = [
    `bind ${hostAddress}`,
    "port 0",
    `tls-port ${port}`,
    `tls-cert-file ${folder}/tls.crt`,
    `tls-key-file ${folder}/tls.key`,
    "tls-auth-clients no",
    `requirepass ${password}`,
    `dir ${folder}`,
    'save ""',
  ];
  await writeFile(configuration, `${lines.join("\n")}\n`, { mode: 0o600 });
  return startServerProcess({
    name: "redis",
    command: findRedis(process.env),
    args: [configuration],
    directory: folder,
    address: `${hostAddress}:${port}`,
    isReady: async () => (await askRedis(port, password, "PING")).includes("PONG"),
    ...{ startTimeoutMs: 60_000, stopTimeoutMs: 10_000, clock: systemClock },
  });
}

async function askRedis(port: number, password: string, ...command: string[]): Promise<string> {
  const at = ["-h", hostAddress, "-p", String(port), "--tls", "--insecure", "--no-auth-warning", "-a", password];
  return (await attempt("redis-cli", [...at, ...command])).stdout;
}

/** A Service without pods, whose one endpoint is this machine. */
const outsideService = (namespace: string, name: string, port: number): object[] => [
  { apiVersion: "v1", kind: "Service", metadata: { name, namespace }, spec: { clusterIP: "None", ports: [{ port }] } },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-outside`, namespace, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints: [{ addresses: [hostAddress], conditions: { ready: true } }],
    ports: [{ port, protocol: "TCP" }],
  },
];

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { freePort } from "@plinth/local-servers";

const run = promisify(execFile);
const startTimeoutMs = 150_000;

export interface ApiServer {
  url: string;
  /** PEM of the authority that signed the server's certificate. */
  ca: string;
  /** Bearer token of a member of system:masters. */
  adminToken: string;
  /** Bearer token of user "nobody", who may do nothing until a role is bound. */
  nobodyToken: string;
  /** File with the administrator's context, for kubectl and for clients. */
  kubeconfig: string;
  /** Ends the API server only; etcd keeps the data. */
  stopApi(): Promise<void>;
  startApi(): Promise<void>;
  /** Forgets every etcd revision but the newest, so that older resource versions are gone. */
  compactHistory(): Promise<void>;
  /** Ends both and removes their files. */
  stop(): Promise<void>;
}

export interface ApiServerOptions {
  /** Further flags of kube-apiserver, for example "--watch-cache=false". */
  flags?: readonly string[];
  /** Flags of kube-controller-manager, which runs beside the API server when they are given. Default: it does not. */
  controllerFlags?: readonly string[];
  /** kube-scheduler runs beside the API server and gives pods to the nodes that the test makes. Default: it does not. */
  scheduler?: boolean;
}

/** Why tests against a real API server cannot run here; undefined when they can. For `describe.skipIf`. */
export function whyNoApiServer(): string | undefined {
  const missing = ["kube-apiserver", "etcd"].some((name) => !existsSync(path.join(binariesFolder(), name)));
  return missing ? "kube-apiserver is not built: run e2e/cluster/build.sh" : undefined;
}

/** etcd and kube-apiserver on free loopback ports; without controllers nothing but what a client asks for happens. */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-kube-"));
  const tokens = { admin: randomBytes(16).toString("hex"), nobody: randomBytes(16).toString("hex") };
  await writeCredentials(folder, tokens);
  const [etcdPort, peerPort, apiPort] = [await freePort(), await freePort(), await freePort()];
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const url = `https://127.0.0.1:${apiPort}`;
  const ca = await readFile(path.join(folder, "ca.crt"), "utf8");
  const etcd = startProcess("etcd", etcdFlags(folder, etcdUrl, `http://127.0.0.1:${peerPort}`));
  let api = startProcess("kube-apiserver", apiFlags(folder, etcdUrl, apiPort, options.flags ?? []));
  const kubeconfig = path.join(folder, "kubeconfig.json");
  await writeFile(kubeconfig, kubeconfigOf(url, ca, tokens.admin), { mode: 0o600 });
  const helpers: RunningProcess[] = [];

  const server: ApiServer = {
    url,
    ca,
    adminToken: tokens.admin,
    nobodyToken: tokens.nobody,
    kubeconfig,
    stopApi: () => api.stop(),
    async startApi() {
      api = startProcess("kube-apiserver", apiFlags(folder, etcdUrl, apiPort, options.flags ?? []));
      await untilReady(url, ca, tokens.admin, [etcd, api]);
    },
    async compactHistory() {
      const { header } = await etcdCall<{ header: { revision: string } }>(etcdUrl, "range", { key: "AA==" });
      await etcdCall(etcdUrl, "compaction", { revision: header.revision, physical: true });
    },
    async stop() {
      for (const helper of helpers) await helper.stop();
      await api.stop();
      await etcd.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await untilReady(url, ca, tokens.admin, [etcd, api]);
    const common = [`--kubeconfig=${kubeconfig}`, "--leader-elect=false", "--secure-port=0"];
    if (options.controllerFlags)
      helpers.push(startProcess("kube-controller-manager", [...common, ...options.controllerFlags]));
    if (options.scheduler) helpers.push(startProcess("kube-scheduler", common));
  } catch (err) {
    await server.stop();
    throw err;
  }
  return server;
}

function binariesFolder(): string {
  const cache = process.env["XDG_CACHE_HOME"] ?? path.join(homedir(), ".cache");
  return process.env["PLINTH_KUBE_BIN"] ?? path.join(cache, "plinth-cluster", "bin");
}

const etcdFlags = (folder: string, clientUrl: string, peerUrl: string): string[] => [
  `--data-dir=${folder}/etcd`,
  `--listen-client-urls=${clientUrl}`,
  `--advertise-client-urls=${clientUrl}`,
  `--listen-peer-urls=${peerUrl}`,
  `--initial-advertise-peer-urls=${peerUrl}`,
  `--initial-cluster=default=${peerUrl}`,
  "--unsafe-no-fsync",
];

const apiFlags = (folder: string, etcdUrl: string, port: number, more: readonly string[]): string[] => [
  `--etcd-servers=${etcdUrl}`,
  "--bind-address=127.0.0.1",
  "--advertise-address=127.0.0.1",
  `--secure-port=${port}`,
  "--service-cluster-ip-range=10.0.0.0/24",
  `--tls-cert-file=${folder}/server.crt`,
  `--tls-private-key-file=${folder}/server.key`,
  `--token-auth-file=${folder}/tokens.csv`,
  "--service-account-issuer=https://kubernetes.default.svc",
  `--service-account-key-file=${folder}/sa.pub`,
  `--service-account-signing-key-file=${folder}/sa.key`,
  "--authorization-mode=RBAC",
  // Nothing makes the default ServiceAccount here, so pods could not be created.
  "--disable-admission-plugins=ServiceAccount",
  "--endpoint-reconciler-type=none",
  "--profiling=false",
  ...more,
];

interface RunningProcess {
  name: string;
  /** Set once it ended by itself. */
  failure(): string | undefined;
  stop(): Promise<void>;
}

function startProcess(name: string, flags: readonly string[]): RunningProcess {
  const child: ChildProcess = spawn(path.join(binariesFolder(), name), flags, {
    stdio: ["ignore", "ignore", "pipe"],
    // Memory for time: it lives for a few minutes.
    env: { GOGC: "400", ...process.env },
  });
  let log = "";
  let ended: string | undefined;
  child.stderr?.on("data", (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-4000);
  });
  const exited = new Promise<void>((resolve) => {
    child.once("error", (err) => {
      ended = err.message;
      resolve();
    });
    child.once("exit", () => {
      ended ??= log;
      resolve();
    });
  });
  const killWithParent = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithParent);
  return {
    name,
    failure: () => ended,
    async stop() {
      process.removeListener("exit", killWithParent);
      // Nothing here is worth an orderly end, and kube-apiserver takes up to a minute for one.
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function untilReady(url: string, ca: string, token: string, processes: RunningProcess[]): Promise<void> {
  const deadline = performance.now() + startTimeoutMs;
  for (;;) {
    for (const process of processes) {
      if (process.failure() !== undefined) throw new Error(`${process.name} did not start: ${process.failure()}`);
    }
    const status = await statusOf(`${url}/readyz`, ca, token);
    if (status === 200) return;
    if (performance.now() > deadline) throw new Error(`kube-apiserver was not ready in time: ${status ?? "no answer"}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function statusOf(url: string, ca: string, token: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${token}` };
    const call = request(url, { ca, headers, timeout: 5_000 }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    call.once("timeout", () => call.destroy());
    call.once("error", () => resolve(undefined));
    call.end();
  });
}

/** etcd speaks JSON beside gRPC. */
async function etcdCall<T>(etcdUrl: string, method: string, body: object): Promise<T> {
  const response = await fetch(`${etcdUrl}/v3/kv/${method}`, { method: "POST", body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`etcd answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

async function writeCredentials(folder: string, tokens: { admin: string; nobody: string }): Promise<void> {
  const file = (name: string): string => path.join(folder, name);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  await run("openssl", [
    "req",
    "-x509",
    ...newKey,
    "-subj",
    "/CN=test-ca",
    "-keyout",
    file("ca.key"),
    "-out",
    file("ca.crt"),
  ]);
  await run("openssl", [
    ...[
      "req",
      "-x509",
      ...newKey,
      "-subj",
      "/CN=kube-apiserver",
      "-addext",
      "subjectAltName=IP:127.0.0.1,DNS:localhost",
    ],
    ...["-addext", "basicConstraints=critical,CA:FALSE", "-CA", file("ca.crt"), "-CAkey", file("ca.key")],
    ...["-keyout", file("server.key"), "-out", file("server.crt")],
  ]);
  const pair = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "sec1", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  await writeFile(file("sa.key"), pair.privateKey, { mode: 0o600 });
  await writeFile(file("sa.pub"), pair.publicKey);
  const users = [`${tokens.admin},admin,admin,"system:masters"`, `${tokens.nobody},nobody,nobody`];
  await writeFile(file("tokens.csv"), `${users.join("\n")}\n`, { mode: 0o600 });
}

const kubeconfigOf = (server: string, ca: string, token: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster: { server, "certificate-authority-data": Buffer.from(ca).toString("base64") } }],
    users: [{ name: "admin", user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "admin", namespace: "default" } }],
    "current-context": "test",
  });

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { freePort } from "@plinth/local-servers";
import { GetEntryRequestSchema } from "@plinth/proto/plinth/audit/v1/audit";
import { type Contender, startContender } from "./contender.ts";
import { usageOf } from "./process-meter.ts";
import { printTable } from "./table.ts";

const run = promisify(execFile);
const rounds = 3;
/** Calls at a time of a client. */
const lanes = 32;

const servers = {
  plinth: "Plinth, as in a service",
  "plinth-plain": "Plinth without telemetry",
  "plinth-bare": "Plinth without interceptors",
  connect: "connect-node alone",
  "grpc-js": "grpc-js",
};
/** The same by Connect over HTTP/1.1, in binary. */
const http1Servers = {
  plinth: "Plinth, as in a service",
  "plinth-plain": "Plinth without telemetry",
  "connect-http1": "connect-node alone",
};
const http1Clients = {
  "plinth-http1": "Plinth, all of packages/clients (JSON)",
  "connect-http1": "connect-node alone",
  "connect-http1-json": "connect-node alone (JSON)",
};
const clients = {
  plinth: "Plinth, all of packages/clients",
  transport: "Plinth, the connection alone",
  connect: "connect-node alone",
  "grpc-js": "grpc-js",
};

interface Round {
  calls: number;
  ratePerS: number;
  cpuUs: number;
  p50Ms: number;
  p99Ms: number;
  failed: number;
  rssMiB: number;
}

/** RPC servers and clients beside each other, in rounds in which each has its turn: a small unary call over gRPC, and by Connect over HTTP/1.1. */
export async function benchRpc(seconds: number): Promise<void> {
  await benchServers(seconds, "gRPC over h2c", servers, grpc);
  await benchServers(seconds, "Connect over HTTP/1.1", http1Servers, connectHttp1);
  await benchClients(seconds, "gRPC over h2c", clients, "grpc-js");
  await benchClients(seconds, "Connect over HTTP/1.1", http1Clients, "connect-http1");
  process.stdout.write(`\n${await versions()}\nLeft out: streaming, large messages, TLS.\n`);
}

/** What h2load is told of a protocol, and how the message of a call is framed. */
interface Protocol {
  flags: readonly string[];
  frame(message: Buffer): Buffer;
}

const grpc: Protocol = {
  flags: ["-c10", "-m10", "-H", "content-type: application/grpc", "-H", "te: trailers"],
  frame: (message) => Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]),
};
const connectHttp1: Protocol = {
  flags: ["--h1", "-c100", "-H", "content-type: application/proto", "-H", "connect-protocol-version: 1"],
  frame: (message) => message,
};

/** Of what is compared. */
async function versions(): Promise<string> {
  const known = await Promise.all(
    ["@connectrpc/connect-node", "@grpc/grpc-js", "@bufbuild/protobuf"].map(async (name) => {
      const file = path.join(import.meta.dirname, "../../node_modules", name, "package.json");
      return `${name} ${(JSON.parse(await readFile(file, "utf8")) as { version: string }).version}`;
    }),
  );
  return [...known, `Node ${process.version}`].join(", ");
}

async function benchServers(seconds: number, by: string, kinds: Record<string, string>, protocol: Protocol) {
  const request = Buffer.from(
    toBinary(GetEntryRequestSchema, create(GetEntryRequestSchema, { id: "01920000-0000-7000-8000-000000000001" })),
  );
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-bench-rpc-"));
  await writeFile(path.join(folder, "request.bin"), protocol.frame(request));
  try {
    const results = await inRounds(Object.keys(kinds), async (kind) => {
      const { server, port } = await startServer(kind);
      try {
        await h2load(port, folder, 2, protocol);
        const before = usageOf(server.pid);
        const result = await h2load(port, folder, seconds, protocol);
        const after = usageOf(server.pid);
        return { ...result, cpuUs: (after.cpuUs - before.cpuUs) / result.calls, rssMiB: after.rssMiB };
      } finally {
        await server.stop();
      }
    });
    show(`RPC servers: unary echo, ${by}, 100 calls at a time, one core`, kinds, results, seconds);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function benchClients(seconds: number, by: string, kinds: Record<string, string>, serverKind: string) {
  const { server, port } = await startServer(serverKind);
  try {
    const results = await inRounds(Object.keys(kinds), async (kind) => {
      const script = path.join(import.meta.dirname, "rpc-clients.ts");
      const args = ["-c", "1", process.execPath, script, kind, String(port), String(lanes), String(seconds)];
      const { stdout } = await run("taskset", args);
      return JSON.parse(stdout) as Round;
    });
    show(`RPC clients: unary echo, ${by}, ${lanes} calls at a time, one core`, kinds, results, seconds);
  } finally {
    await server.stop();
  }
}

async function startServer(kind: string): Promise<{ server: Contender; port: number }> {
  const port = await freePort();
  const args = [path.join(import.meta.dirname, "rpc-servers.ts"), kind, String(port)];
  return { server: await startContender({ command: process.execPath, args, port, core: 0 }), port };
}

async function inRounds(kinds: string[], measure: (kind: string) => Promise<Round>): Promise<Map<string, Round[]>> {
  const results = new Map<string, Round[]>(kinds.map((kind) => [kind, []]));
  for (let round = 0; round < rounds; round++) for (const kind of kinds) results.get(kind)?.push(await measure(kind));
  return results;
}

/** Medians of the rounds. */
function show(title: string, names: Record<string, string>, results: Map<string, Round[]>, seconds: number): void {
  const rows = [...results].map(([kind, all]) => {
    const median = (pick: (round: Round) => number) => {
      const sorted = all.map(pick).sort((a, b) => a - b);
      return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
    };
    return {
      name: names[kind] ?? kind,
      "calls/s": median((round) => round.ratePerS),
      "CPU us/call": median((round) => round.cpuUs),
      "p50 ms": median((round) => round.p50Ms),
      "p99 ms": median((round) => round.p99Ms),
      "RSS MiB": median((round) => round.rssMiB),
      failed: all.reduce((sum, round) => sum + round.failed, 0),
    };
  });
  printTable(`${title}; medians of ${rounds} rounds of ${seconds} s`, rows);
}

/** `folder` holds the request and takes the log of answers: start, status and time in microseconds, one line each. */
async function h2load(
  port: number,
  folder: string,
  seconds: number,
  { flags }: Protocol,
): Promise<Omit<Round, "cpuUs" | "rssMiB">> {
  const log = path.join(folder, `log-${port}-${seconds}.tsv`);
  const args = [
    "-c",
    "1",
    "h2load",
    ...flags,
    `-D${seconds}`,
    `--log-file=${log}`,
    "-d",
    path.join(folder, "request.bin"),
    `http://127.0.0.1:${port}/plinth.audit.v1.AuditService/GetEntry`,
  ];
  const { stdout } = await run("taskset", args);
  const calls = Number(/requests: (\d+) total/.exec(stdout)?.[1] ?? 0);
  const succeeded = Number(/(\d+) succeeded/.exec(stdout)?.[1] ?? 0);
  const timesUs = (await readFile(log, "utf8"))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => Number(line.split("\t")[2]))
    .sort((a, b) => a - b);
  await rm(log);
  const at = (share: number) => (timesUs[Math.floor(timesUs.length * share)] ?? Number.NaN) / 1000;
  return { ratePerS: succeeded / seconds, p50Ms: at(0.5), p99Ms: at(0.99), failed: calls - succeeded, calls };
}

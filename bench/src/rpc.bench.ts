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
  connect: "connect-node alone",
  "grpc-js": "grpc-js",
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

/** RPC servers and clients beside each other, in rounds in which each has its turn: a small unary call over gRPC. */
export async function benchRpc(seconds: number): Promise<void> {
  await benchServers(seconds);
  await benchClients(seconds);
  process.stdout.write("\nLeft out: streaming, large messages, TLS.\n");
}

async function benchServers(seconds: number): Promise<void> {
  const request = Buffer.from(
    toBinary(GetEntryRequestSchema, create(GetEntryRequestSchema, { id: "01920000-0000-7000-8000-000000000001" })),
  );
  const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, request.length]), request]);
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-bench-rpc-"));
  await writeFile(path.join(folder, "request.bin"), frame);
  try {
    const results = await inRounds(Object.keys(servers), async (kind) => {
      const { server, port } = await startServer(kind);
      try {
        await h2load(port, folder, 2);
        const before = usageOf(server.pid);
        const result = await h2load(port, folder, seconds);
        const after = usageOf(server.pid);
        return { ...result, cpuUs: (after.cpuUs - before.cpuUs) / result.calls, rssMiB: after.rssMiB };
      } finally {
        await server.stop();
      }
    });
    show(`RPC servers: unary echo, gRPC over h2c, 10 connections with 10 streams, one core`, servers, results, seconds);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function benchClients(seconds: number): Promise<void> {
  const { server, port } = await startServer("grpc-js");
  try {
    const results = await inRounds(Object.keys(clients), async (kind) => {
      const script = path.join(import.meta.dirname, "rpc-clients.ts");
      const args = ["-c", "1", process.execPath, script, kind, String(port), String(lanes), String(seconds)];
      const { stdout } = await run("taskset", args);
      return JSON.parse(stdout) as Round;
    });
    show(`RPC clients: unary echo, gRPC over h2c, ${lanes} calls at a time, one core`, clients, results, seconds);
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
async function h2load(port: number, folder: string, seconds: number): Promise<Omit<Round, "cpuUs" | "rssMiB">> {
  const log = path.join(folder, `log-${port}-${seconds}.tsv`);
  const args = [
    "-c",
    "1",
    "h2load",
    "-c10",
    "-m10",
    `-D${seconds}`,
    `--log-file=${log}`,
    "-d",
    path.join(folder, "request.bin"),
    "-H",
    "content-type: application/grpc",
    "-H",
    "te: trailers",
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

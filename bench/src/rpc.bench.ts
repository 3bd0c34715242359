import { execFile } from "node:child_process";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { freePort } from "@plinth/local-servers";
import { GetEntryRequestSchema } from "@plinth/proto/plinth/audit/v1/audit";
import { startContender } from "./contender.ts";
import { usageOf } from "./process-meter.ts";
import { printTable } from "./table.ts";

const run = promisify(execFile);

/** The RPC servers beside each other: a small unary call over gRPC by h2load. */
export async function benchRpc(seconds: number): Promise<void> {
  const request = Buffer.from(
    toBinary(GetEntryRequestSchema, create(GetEntryRequestSchema, { id: "01920000-0000-7000-8000-000000000001" })),
  );
  const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, request.length]), request]);
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-bench-rpc-"));
  await writeFile(path.join(folder, "request.bin"), frame);
  const rows = [];
  for (const [kind, name] of [
    ["plinth", "Plinth (all interceptors)"],
    ["connect", "connect-node alone"],
    ["grpc-js", "grpc-js"],
  ] as const) {
    const port = await freePort();
    const server = await startContender({
      command: process.execPath,
      args: [path.join(import.meta.dirname, "rpc-servers.ts"), kind, String(port)],
      port,
      core: 0,
    });
    try {
      await h2load(port, folder, 3);
      const before = usageOf(server.pid);
      const result = await h2load(port, folder, seconds);
      const after = usageOf(server.pid);
      rows.push({
        server: name,
        protocol: "gRPC, h2c",
        ...result,
        "CPU us/call": (after.cpuUs - before.cpuUs) / result.calls,
        "RSS MiB": after.rssMiB,
      });
    } finally {
      await server.stop();
    }
  }
  printTable(`RPC servers: unary echo, 10 connections with 10 streams, ${seconds} s each, one core`, rows);
  process.stdout.write("\nLeft out: streaming, large messages, TLS, the clients' cost.\n");
}

/** `folder` holds the request and takes the log of answers: start, status and time in microseconds, one line each. */
async function h2load(port: number, folder: string, seconds: number) {
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
  const at = (share: number) => (timesUs[Math.floor(timesUs.length * share)] ?? Number.NaN) / 1000;
  return {
    "calls/s": succeeded / seconds,
    "p50 ms": at(0.5),
    "p99 ms": at(0.99),
    failed: calls - succeeded,
    calls,
  };
}

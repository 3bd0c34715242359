import { execFile } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { GetEntryRequestSchema } from "@plinth/proto/plinth/audit/v1/audit";
import { freePort, startContender } from "./contender.ts";
import { usageOf } from "./process-meter.ts";
import { printTable } from "./table.ts";

const run = promisify(execFile);

/** The RPC servers beside each other: a small unary call over gRPC by h2load. */
export async function benchRpc(seconds: number): Promise<void> {
  const request = Buffer.from(
    toBinary(GetEntryRequestSchema, create(GetEntryRequestSchema, { id: "01920000-0000-7000-8000-000000000001" })),
  );
  const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, request.length]), request]);
  const data = path.join(await mkdtemp(path.join(tmpdir(), "plinth-bench-rpc-")), "request.bin");
  await writeFile(data, frame);
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
      await h2load(port, data, 2);
      const before = usageOf(server.pid);
      const result = await h2load(port, data, seconds);
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

async function h2load(port: number, data: string, seconds: number) {
  const args = [
    "-c",
    "1",
    "h2load",
    "-c10",
    "-m10",
    `-D${seconds}`,
    "-d",
    data,
    "-H",
    "content-type: application/grpc",
    "-H",
    "te: trailers",
    `http://127.0.0.1:${port}/plinth.audit.v1.AuditService/GetEntry`,
  ];
  const { stdout } = await run("taskset", args);
  const calls = Number(/requests: (\d+) total/.exec(stdout)?.[1] ?? 0);
  const succeeded = Number(/(\d+) succeeded/.exec(stdout)?.[1] ?? 0);
  const mean = /time for request:\s+\S+\s+(\S+)\s+(\S+)/.exec(stdout);
  return {
    "calls/s": succeeded / seconds,
    mean: mean?.[2] ?? "?",
    max: mean?.[1] ?? "?",
    failed: calls - succeeded,
    calls,
  };
}

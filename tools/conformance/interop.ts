import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { createEndpointChannel } from "@plinth/clients";
import { systemClock } from "@plinth/kernel";
import { freePort, startServerProcess } from "@plinth/local-servers";
import { interopCases } from "./interop-cases.ts";
import { startTestedGateway } from "./start-tested-gateway.ts";
import { startTestedServer } from "./start-tested-server.ts";

const run = promisify(execFile);
const caseTimeoutMs = 120_000;

/** Results by name, passed or the reason why not. */
export type Results = Map<string, "passed" | Error>;

/** grpc-go's interop client against our server; with a directory of routes, through the gateway. */
export async function judgeServer(client: string, routes?: string): Promise<Results> {
  const server = await startTestedServer();
  const gateway = routes === undefined ? undefined : await startTestedGateway(server.port(), routes);
  const results: Results = new Map();
  const way = gateway === undefined ? "" : " through the gateway";
  for (const name of Object.keys(interopCases)) {
    const port = (gateway ?? server).port();
    const args = ["--server_host=127.0.0.1", `--server_port=${port}`, `--test_case=${name}`];
    await note(results, `grpc-go's client${way}/${name}`, run(client, args, { timeout: caseTimeoutMs }));
  }
  await gateway?.stop();
  await server.stop?.(AbortSignal.timeout(1_000));
  return results;
}

/** Our client against grpc-go's interop server. */
export async function judgeClient(program: string): Promise<Results> {
  const port = await freePort();
  const directory = mkdtempSync(path.join(tmpdir(), "plinth-interop-"));
  const server = await startServerProcess({
    name: "grpc-interop-server",
    command: program,
    // It knows no folder; the one given here is new for each run.
    args: [`--port=${port}`],
    directory,
    address: `127.0.0.1:${port}`,
    isReady: () => accepts(port),
    startTimeoutMs: 60_000,
    stopTimeoutMs: 5_000,
    clock: systemClock,
  });
  try {
    return await callAll(port, "grpc-go's server");
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Our client against our server, through the gateway: every side is judged by another one, and here they meet. */
export async function judgeAllOfOurs(routes: string): Promise<Results> {
  const server = await startTestedServer();
  const gateway = await startTestedGateway(server.port(), routes);
  try {
    return await callAll(gateway.port(), "our client through the gateway");
  } finally {
    await gateway.stop();
    await server.stop?.(AbortSignal.timeout(1_000));
  }
}

/** Makes all calls of the test descriptions with our client. */
async function callAll(port: number, name: string): Promise<Results> {
  const channel = createEndpointChannel({ instanceId: "judge", host: "127.0.0.1", port, draining: false }, systemClock);
  const results: Results = new Map();
  for (const [one, make] of Object.entries(interopCases))
    await note(results, `${name}/${one}`, within(channel.connected().then(make)));
  channel.close();
  return results;
}

async function note(results: Results, name: string, outcome: Promise<unknown>): Promise<void> {
  const result = await outcome.then(
    () => "passed" as const,
    (err: unknown) => (err instanceof Error ? err : new Error(String(err))),
  );
  results.set(name, result);
}

/** Its timer also keeps the process going: idle connections of the client do not. */
function within<T>(call: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no end within ${caseTimeoutMs} ms`)), caseTimeoutMs);
  return Promise.race([call, late.promise]).finally(() => clearTimeout(timer));
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    }).once("error", () => resolve(false));
  });

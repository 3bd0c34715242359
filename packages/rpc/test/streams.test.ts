import { once } from "node:events";
import { connect } from "node:net";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { Fault, type Logger, silentLogger } from "@plinth/kernel";
import { ErrorInfoSchema } from "@plinth/proto/google/rpc/error_details";
import { ExportFormat, LogService } from "@plinth/proto/plinth/audit/v1/log";
import { startOpenServer } from "@plinth/testing/open-server";
import { afterEach, describe, expect, test } from "vitest";
import { access, type RpcServer, type ServiceRoutes } from "../src/index.ts";

let server: RpcServer;
afterEach(async () => server.stop?.(AbortSignal.timeout(20_000)));

/** A server whose ExportEntries sends what `handle` yields. Returns what it logs as failures. */
async function startServer(handle: () => AsyncGenerator<{ lines: Uint8Array }>): Promise<unknown[]> {
  const failures: unknown[] = [];
  const note = (fields: object) => void failures.push(fields);
  const logger: Logger = { ...silentLogger, error: note, warn: note, child: () => logger };
  const unused = async () => ({});
  const service: ServiceRoutes = {
    service: LogService,
    routes: new Map(
      LogService.methods.map(({ localName }) => [
        localName,
        { access: access.public, handle: localName === "exportEntries" ? handle : unused },
      ]),
    ),
  };
  server = await startOpenServer([service], { logger });
  return failures;
}

const baseUrl = () => `http://127.0.0.1:${server.port()}`;
const request = { format: ExportFormat.CSV };

describe.each([
  ["gRPC", () => createGrpcTransport({ baseUrl: baseUrl() })],
  ["Connect over HTTP/1.1", () => createConnectTransport({ baseUrl: baseUrl(), httpVersion: "1.1" })],
])("a stream: %s", (_, transport) => {
  test("that fails after some messages ends with the fault, and with the id of the call", async () => {
    const failures = await startServer(async function* () {
      yield { lines: new Uint8Array([1]) };
      throw new Fault({ code: "out_of_range", reason: "TREE_SIZE_UNKNOWN", message: "not so large yet" });
    });
    const seen: number[] = [];
    const read = async () => {
      for await (const { lines } of createClient(LogService, transport()).exportEntries(request)) seen.push(...lines);
    };
    const err = await read().catch((thrown: unknown) => thrown);
    expect(err).toBeInstanceOf(ConnectError);
    const error = err as ConnectError;
    expect([error.code, error.rawMessage, seen]).toEqual([Code.OutOfRange, "not so large yet", [1]]);
    expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe("TREE_SIZE_UNKNOWN");
    expect(error.metadata.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(failures).toEqual([]);
  });

  test("whose caller leaves in the middle is no failure", async () => {
    const failures = await startServer(async function* () {
      for (;;) yield { lines: new Uint8Array(900_000) };
    });
    const leaving = new AbortController();
    const answers = createClient(LogService, transport()).exportEntries(request, { signal: leaving.signal });
    for await (const { lines } of answers) {
      expect(lines).toHaveLength(900_000);
      break;
    }
    leaving.abort();
    await server.stop?.(AbortSignal.timeout(20_000));
    expect(failures).toEqual([]);
  });
});

test("a peer that never hangs up does not keep the server from stopping", async () => {
  await startServer(async function* () {});
  const peer = connect({ port: server.port(), host: "127.0.0.1", allowHalfOpen: true });
  // The preface of HTTP/2 and empty settings.
  peer.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  peer.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  await once(peer, "data");
  peer.resume();
  // Never told that its time is over: it ends by itself, or the test does.
  await expect(server.stop?.(new AbortController().signal)).resolves.toBeUndefined();
  peer.destroy();
});

import { connect as connectTcp, Socket } from "node:net";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { createHealth, Fault, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { ErrorInfoSchema } from "@plinth/proto/google/rpc/error_details";
import { Health, HealthCheckResponse_ServingStatus as Status } from "@plinth/proto/grpc/health/v1/health";
import { ServerReflection } from "@plinth/proto/grpc/reflection/v1/reflection";
import { AuditService, Outcome } from "@plinth/proto/plinth/audit/v1/audit";
import { eventually } from "@plinth/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { type Authenticator, access, createRpcServer, defineService, type RpcServer } from "../src/index.ts";
import { createOnePortListener } from "../src/server/one-port-listener.ts";

const id = "01920000-0000-7000-8000-000000000001";
const health = createHealth();
let server: RpcServer;
let release: () => void = () => {};

const authenticator: Authenticator = {
  async authenticate(headers) {
    const user = headers.get("authorization");
    const workload = headers.get("x-plinth-workload-token") ?? undefined;
    return {
      principal: user
        ? { kind: "user", userId: user, sessionId: "s" }
        : workload
          ? { kind: "service", name: workload }
          : { kind: "anonymous" },
      workload,
      accessToken: undefined,
      throughEdge: false,
    };
  },
};

const routes = defineService(AuditService, {
  recordEntry: {
    access: access.service("identity"),
    handle: async (request, context) => ({
      id: request.id,
      actor: context.actor,
      source: context.workload ?? "",
      requestId: context.requestId,
    }),
  },
  getEntry: {
    access: access.public,
    handle: async (request, context) => {
      if (request.id.endsWith("1")) return { id: request.id, traceId: context.traceparent ?? "" };
      if (request.id.endsWith("2")) throw new Error("select * from secret_table failed");
      if (request.id.endsWith("3")) {
        await new Promise<void>((resolve) => {
          release = resolve;
          context.signal.addEventListener("abort", () => resolve());
        });
        context.signal.throwIfAborted();
        return { id: request.id };
      }
      if (request.id.endsWith("5")) {
        const cause = new Fault({ code: "unavailable", reason: "DATABASE_UNAVAILABLE", message: "try again" });
        throw new Error("query failed", { cause });
      }
      throw new Fault({
        code: "not_found",
        reason: "ENTRY_NOT_FOUND",
        message: "there is no such entry",
        retryAfterMs: 1500,
      });
    },
  },
  listEntries: {
    access: access.permission("can_read_audit", "platform:plinth"),
    handle: async () => ({ entries: [{ outcome: Outcome.SUCCESS }] }),
  },
});

beforeAll(async () => {
  server = createRpcServer({
    host: "127.0.0.1",
    port: 0,
    services: [routes],
    authenticator,
    authorizer: { check: async ({ subject }) => subject === "user:auditor" },
    health,
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
    readMaxBytes: 10_000,
  });
  await server.start?.();
  health.setStarted();
});

afterAll(async () => server.stop?.(AbortSignal.timeout(5_000)));

const baseUrl = () => `http://127.0.0.1:${server.port()}`;
const transports: [string, () => Transport][] = [
  ["gRPC over h2c", () => createGrpcTransport({ baseUrl: baseUrl() })],
  ["gRPC-web over HTTP/1.1", () => createGrpcWebTransport({ baseUrl: baseUrl(), httpVersion: "1.1" })],
  ["gRPC-web over h2c", () => createGrpcWebTransport({ baseUrl: baseUrl(), httpVersion: "2" })],
  ["Connect binary over HTTP/1.1", () => createConnectTransport({ baseUrl: baseUrl(), httpVersion: "1.1" })],
  [
    "Connect JSON over h2c",
    () => createConnectTransport({ baseUrl: baseUrl(), httpVersion: "2", useBinaryFormat: false }),
  ],
];
const failure = async (call: Promise<unknown>): Promise<ConnectError> => {
  const err = await call.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(err).toBeInstanceOf(ConnectError);
  return err as ConnectError;
};
const withId = (lastDigit: number) => ({ id: id.slice(0, -1) + lastDigit });

describe.each(transports)("%s", (_, transport) => {
  const client = () => createClient(AuditService, transport());

  test("answers a call", async () => {
    expect((await client().getEntry({ id })).id).toBe(id);
  });

  test("a fault keeps its code, reason and retry hint", async () => {
    const error = await failure(client().getEntry(withId(4)));
    expect([error.code, error.rawMessage]).toEqual([Code.NotFound, "there is no such entry"]);
    expect(error.findDetails(ErrorInfoSchema)[0]).toMatchObject({ reason: "ENTRY_NOT_FOUND", domain: "plinth.dev" });
    expect(error.metadata.get("retry-after")).toBe("2");
  });

  test("an unexpected error tells nothing of its inside", async () => {
    const error = await failure(client().getEntry(withId(2)));
    expect([error.code, error.rawMessage]).toEqual([Code.Internal, "internal error"]);
    expect(JSON.stringify([...error.metadata])).not.toContain("secret_table");
  });

  test("a fault that a library has wrapped is still that fault", async () => {
    const error = await failure(client().getEntry(withId(5)));
    expect([error.code, error.rawMessage]).toEqual([Code.Unavailable, "try again"]);
  });

  test("a request against the proto's rules names the field", async () => {
    const error = await failure(client().getEntry({ id: "'; DROP TABLE entry" }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.rawMessage).toContain("id: must be a valid UUID");
  });

  test("a deadline ends the call on both sides", async () => {
    expect((await failure(client().getEntry(withId(3), { timeoutMs: 100 }))).code).toBe(Code.DeadlineExceeded);
    release();
  });

  test("a message above the limit is refused", async () => {
    const error = await failure(client().listEntries({ pageToken: "x".repeat(20_000) }));
    expect(error.code).toBe(Code.ResourceExhausted);
    expect(error.findDetails(ErrorInfoSchema)[0]).toMatchObject({ reason: "MESSAGE_TOO_LARGE", domain: "plinth.dev" });
  });

  test("a method that is not there is unknown, with a reason", async () => {
    const method = { ...AuditService.method.getEntry, name: "Nope" };
    const call = transport().unary(method, undefined, undefined, undefined, {});
    const error = await failure(call);
    expect(error.code).toBe(Code.Unimplemented);
    expect(error.findDetails(ErrorInfoSchema)[0]).toMatchObject({ reason: "RPC_UNKNOWN", domain: "plinth.dev" });
  });

  test("access rules: missing, insufficient and right credentials", async () => {
    const list = (headers: Record<string, string>) => client().listEntries({}, { headers });
    expect((await failure(list({}))).code).toBe(Code.Unauthenticated);
    expect((await failure(list({ authorization: "somebody" }))).code).toBe(Code.PermissionDenied);
    expect((await list({ authorization: "auditor" })).entries).toHaveLength(1);
    const record = (headers: Record<string, string>) =>
      client().recordEntry({ id, action: "a", actor: "b", outcome: Outcome.SUCCESS }, { headers });
    expect((await failure(record({ authorization: "auditor" }))).code).toBe(Code.PermissionDenied);
    expect((await failure(record({ "x-plinth-workload-token": "auth" }))).code).toBe(Code.PermissionDenied);
    expect(await record({ "x-plinth-workload-token": "identity" })).toMatchObject({
      actor: "service:identity",
      source: "identity",
    });
  });
});

describe("plain HTTP", () => {
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(`${baseUrl()}${path}`, { method: "POST", body, headers: { "content-type": "application/json", ...headers } });

  test("curl-style JSON works, and the request id is kept", async () => {
    const response = await post("/plinth.audit.v1.AuditService/GetEntry", JSON.stringify({ id }), {
      "x-request-id": "abc-1",
    });
    expect([response.status, response.headers.get("x-request-id")]).toEqual([200, "abc-1"]);
    expect(await response.json()).toMatchObject({
      id,
      traceId: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/),
    });
  });

  test("a request id that could forge log lines is replaced", async () => {
    const response = await post("/plinth.audit.v1.AuditService/GetEntry", JSON.stringify({ id }), {
      "x-request-id": 'a" injected="1',
    });
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  test.each([
    ["unknown RPC", "/plinth.audit.v1.AuditService/Nope", "{}", 404],
    ["broken JSON", "/plinth.audit.v1.AuditService/GetEntry", "{", 400],
    ["wrong type", "/plinth.audit.v1.AuditService/GetEntry", '{"id": 7}', 400],
  ])("%s is a client error", async (_, path, body, status) => {
    const response = await post(path, body);
    expect(response.status).toBe(status);
    expect((await response.json()) as object).toHaveProperty("code");
  });
});

describe("built-in services", () => {
  test("health follows the process's readiness", async () => {
    const client = createClient(Health, createGrpcTransport({ baseUrl: baseUrl() }));
    expect((await client.check({})).status).toBe(Status.SERVING);
    let problem: string | undefined = "database is away";
    health.add("test", () => problem);
    expect((await client.check({ service: AuditService.typeName })).status).toBe(Status.NOT_SERVING);
    problem = undefined;
    expect((await failure(client.check({ service: "no.such.Service" }))).code).toBe(Code.NotFound);
  });

  test("reflection lists the services and describes a symbol with all imports", async () => {
    const client = createClient(ServerReflection, createGrpcTransport({ baseUrl: baseUrl() }));
    async function* ask() {
      yield { messageRequest: { case: "listServices" as const, value: "" } };
      yield {
        messageRequest: { case: "fileContainingSymbol" as const, value: "plinth.audit.v1.AuditService.GetEntry" },
      };
      yield { messageRequest: { case: "fileContainingSymbol" as const, value: "no.Such" } };
    }
    const answers = [];
    for await (const answer of client.serverReflectionInfo(ask())) answers.push(answer.messageResponse);
    expect(answers[0]).toMatchObject({ value: { service: [{ name: "plinth.audit.v1.AuditService" }] } });
    const files = answers[1]?.case === "fileDescriptorResponse" ? answers[1].value.fileDescriptorProto : [];
    const names = files.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
    expect(names[0]).toBe("plinth/audit/v1/audit.proto");
    expect(names).toContain("google/protobuf/timestamp.proto");
    expect(answers[2]).toMatchObject({ case: "errorResponse", value: { errorCode: 5 } });
  });
});

describe("one port", () => {
  test("an HTTP/1.1 connection goes on after a request that was answered before its end", async () => {
    const socket = connectTcp(server.port(), "127.0.0.1").setNoDelay(true);
    const statuses: string[] = [];
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
      statuses.splice(0, statuses.length, ...(text.match(/HTTP\/1\.1 \d+/g) ?? []));
    });
    const post = (path: string, type: string, rest: string) =>
      socket.write(`POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: ${type}\r\n${rest}`);
    for (const service of ["plinth.audit.v1.AuditService/ListEntries", "grpc.health.v1.Health/Watch"]) {
      const answered = statuses.length;
      // The length of the message is above the limit: nobody waits for the rest, which comes all the same.
      post(`/${service}`, "application/grpc-web+proto", "transfer-encoding: chunked\r\n\r\n5\r\n\0\x0f\0\0\0\r\n");
      await eventually(() => expect(statuses).toHaveLength(answered + 1));
      for (let i = 0; i < 20; i++) socket.write(`1000\r\n${"x".repeat(4096)}\r\n`);
      socket.write("0\r\n\r\n");
      post("/plinth.audit.v1.AuditService/GetEntry", "application/json", "content-length: 2\r\n\r\n{}");
      await eventually(() => expect(statuses).toHaveLength(answered + 2));
    }
    expect(statuses).toEqual(["HTTP/1.1 200", "HTTP/1.1 400", "HTTP/1.1 200", "HTTP/1.1 400"]);
    socket.destroy();
  });

  test("a connection that says nothing sensible is closed, others go on", async () => {
    const answer = await new Promise<string>((resolve) => {
      const socket = connectTcp(server.port(), "127.0.0.1", () => socket.write("PRX\r\n\r\n"));
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.on("close", () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1.1 400/);
    expect((await createClient(AuditService, transports[0]?.[1]() as Transport).getEntry({ id })).id).toBe(id);
  });

  test("a preface that arrives in pieces is understood", async () => {
    const firstFrame = await new Promise<Buffer>((resolve, reject) => {
      const socket = connectTcp({ port: server.port(), host: "127.0.0.1", noDelay: true });
      socket.once("error", reject).once("data", (chunk) => {
        resolve(chunk as Buffer);
        socket.destroy();
      });
      const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
      socket.write("P", () =>
        socket.write("R", () => socket.write("I * HTTP/2.0\r\n\r\nSM\r\n\r\n", () => socket.write(settings))),
      );
    });
    expect(firstFrame[3]).toBe(4); // SETTINGS
  });

  test("stopping lets the call in hand finish and refuses new ones", async () => {
    const other = createRpcServer({
      host: "127.0.0.1",
      port: 0,
      services: [routes],
      authenticator,
      authorizer: { check: async () => false },
      health: createHealth(),
      logger: silentLogger,
      clock: systemClock,
      random: systemRandom,
    });
    await other.start?.();
    const url = `http://127.0.0.1:${other.port()}`;
    const client = createClient(AuditService, createGrpcTransport({ baseUrl: url }));
    await client.getEntry({ id });
    release = () => {};
    const before = release;
    const pending = client.getEntry(withId(3));
    while (release === before) await new Promise((resolve) => setImmediate(resolve));
    const stopped = other.stop?.(AbortSignal.timeout(60_000));
    release();
    expect((await pending).id).toBe(withId(3).id);
    await stopped;
    await expect(fetch(url)).rejects.toThrow();
  });

  test("stopping does not wait for a connection that never says anything", async () => {
    const listener = createOnePortListener({ host: "127.0.0.1", port: 0, handle: (_, response) => response.end() });
    await listener.listen();
    const silent = connectTcp({ port: listener.port(), host: "127.0.0.1" }).resume();
    const closed = new Promise((resolve) => silent.once("close", resolve));
    // Taken in after that one: then it is as well.
    await (await fetch(`http://127.0.0.1:${listener.port()}`)).text();
    const timeouts = vi.spyOn(Socket.prototype, "setTimeout");
    onTestFinished(() => timeouts.mockRestore());
    const stopped = listener.close(new AbortController().signal);
    const ofSilent = timeouts.mock.contexts.findIndex((socket) => (socket as Socket).remotePort === silent.localPort);
    expect(timeouts.mock.calls[ofSilent]).toEqual([1_000]);
    await closed;
    await stopped;
  });
});

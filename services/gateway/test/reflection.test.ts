import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Health, HealthCheckResponse_ServingStatus } from "@plinth/proto/grpc/health/v1/health";
import { ServerReflection, type ServerReflectionRequest } from "@plinth/proto/grpc/reflection/v1/reflection";
import { ServerReflection as Alpha } from "@plinth/proto/grpc/reflection/v1alpha/reflection";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Running, service, startGateway } from "./harness.ts";
import { startHttpUpstream, startRpcUpstream, type Upstream } from "./upstream.ts";

let rpc: Upstream;
let plain: Upstream;
let running: Running;

beforeAll(async () => {
  rpc = await startRpcUpstream();
  plain = await startHttpUpstream();
  running = await startGateway(
    [
      service("echo", [{ path: "/plinth.test.v1.EchoService/" }]),
      service("web", [{ path: "/web/" }]),
      service("gone", [{ path: "/gone/" }]),
    ],
    { echo: [rpc.port], web: [plain.port] },
  );
});
afterAll(async () => {
  await running.stop();
  await rpc.close();
  await plain.close();
});

type Question = ServerReflectionRequest["messageRequest"];

async function ask(messageRequest: Question, version: typeof ServerReflection | typeof Alpha = ServerReflection) {
  const client = createClient(version as typeof ServerReflection, createGrpcTransport({ baseUrl: running.url }));
  const requests = (async function* () {
    yield { host: "", messageRequest };
  })();
  for await (const response of client.serverReflectionInfo(requests)) return response.messageResponse;
  throw new Error("no answer");
}

it.each([
  ["v1", ServerReflection],
  ["v1alpha", Alpha],
])("lists what is reachable, %s", async (_name, version) => {
  const answer = await ask({ case: "listServices", value: "" }, version);
  expect(answer.case === "listServicesResponse" && answer.value.service.map((one) => one.name)).toEqual([
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "plinth.test.v1.EchoService",
  ]);
});

it("describes a service with everything it imports", async () => {
  const answer = await ask({ case: "fileContainingSymbol", value: "plinth.test.v1.EchoService.Chat" });
  if (answer.case !== "fileDescriptorResponse") throw new Error(`got ${answer.case}`);
  const files = answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
  expect(files).toEqual(["plinth/test/v1/echo.proto", "google/protobuf/wrappers.proto"]);
  const byName = await ask({ case: "fileByFilename", value: "google/protobuf/wrappers.proto" });
  expect(byName.case).toBe("fileDescriptorResponse");
});

it("says when it knows nothing", async () => {
  const answer = await ask({ case: "fileContainingSymbol", value: "no.Such" });
  expect(answer.case === "errorResponse" && answer.value.errorCode).toBe(5);
});

it("asks again when the endpoints of a service change", async () => {
  running.resolver.set("echo");
  const without = await ask({ case: "listServices", value: "" });
  expect(without.case === "listServicesResponse" && without.value.service).toHaveLength(3);
  running.resolver.set("echo", rpc.port);
  const again = await ask({ case: "listServices", value: "" });
  expect(again.case === "listServicesResponse" && again.value.service).toHaveLength(4);
});

it("tells its own health", async () => {
  const answer = await createClient(Health, createGrpcTransport({ baseUrl: running.url })).check({});
  expect(answer.status).toBe(HealthCheckResponse_ServingStatus.SERVING);
});

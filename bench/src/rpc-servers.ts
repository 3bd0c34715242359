// An echo of about 90 bytes: `node rpc-servers.ts plinth|plinth-plain|plinth-bare|connect|connect-http1|grpc-js PORT`.

import { createServer as createHttp1Server } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { clone, create, createFileRegistry, type DescService, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { type MethodDefinition, Server, ServerCredentials } from "@grpc/grpc-js";
import { startTelemetry } from "@plinth/kernel";
import { AuditService, EntrySchema, GetEntryRequestSchema } from "@plinth/proto/plinth/audit/v1/audit";
import { access } from "@plinth/rpc";
import { startOpenServer } from "@plinth/testing/open-server";

const [kind, portText] = process.argv.slice(2);
const port = Number(portText);
const answer = (id: string) => ({ id, actor: "user:01920000-0000-7000-8000-000000000001", action: "x.y" });

switch (kind) {
  case "plinth":
  case "plinth-plain":
  case "plinth-bare": {
    // The server as every service has it, with everybody anonymous and welcome. `plinth` has spans and metrics, and in
    // `plinth-bare` there are no rules for the message either: what is left is the protocol, deadline and request id.
    if (kind === "plinth") {
      const process = { service: "bench", version: "0", instanceId: "bench" };
      startTelemetry({ ...process, otlpEndpoint: undefined, traceRatio: 0 });
    }
    const route = { access: access.public, handle: async (request: { id: string }) => answer(request.id) };
    const service = kind === "plinth-bare" ? withoutRules(AuditService) : AuditService;
    await startOpenServer([{ service, routes: new Map([["getEntry", route]]) }], { port });
    break;
  }
  case "connect":
  case "connect-http1": {
    const handler = connectNodeAdapter({
      routes: (router) => void router.service(AuditService, { getEntry: (request) => answer(request.id) }),
    });
    const server = kind === "connect" ? createHttp2Server(handler) : createHttp1Server(handler);
    server.listen(port, "127.0.0.1");
    break;
  }
  case "grpc-js": {
    const server = new Server();
    const getEntry: MethodDefinition<{ id: string }, { id: string }> = {
      path: "/plinth.audit.v1.AuditService/GetEntry",
      requestStream: false,
      responseStream: false,
      requestDeserialize: (bytes: Buffer) => fromBinary(GetEntryRequestSchema, bytes),
      requestSerialize: (message) =>
        Buffer.from(toBinary(GetEntryRequestSchema, create(GetEntryRequestSchema, message))),
      responseSerialize: (message) => Buffer.from(toBinary(EntrySchema, create(EntrySchema, message))),
      responseDeserialize: (bytes: Buffer) => fromBinary(EntrySchema, bytes),
    };
    server.addService(
      { getEntry },
      {
        getEntry: (call: { request: { id: string } }, callback: (err: null, message: { id: string }) => void) =>
          callback(null, answer(call.request.id)),
      },
    );
    await new Promise<void>((resolve, reject) =>
      server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (err) =>
        err ? reject(err) : resolve(),
      ),
    );
    break;
  }
  default:
    throw new Error("name plinth, plinth-plain, plinth-bare, connect, connect-http1 or grpc-js");
}

/** The same service without the options of fields, among which the rules stand. */
function withoutRules({ file, typeName }: DescService): DescService {
  const proto = clone(FileDescriptorProtoSchema, file.proto);
  for (const { field } of proto.messageType) for (const one of field) delete one.options;
  const bare = createFileRegistry(proto, (name) => file.dependencies.find((one) => one.proto.name === name));
  return bare.getService(typeName) as DescService;
}

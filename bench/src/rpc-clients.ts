// Unary calls of about 90 bytes in a closed loop: `node rpc-clients.ts KIND PORT LANES SECONDS` prints what it
// took as JSON. KIND is plinth (all of packages/clients), transport (its connection alone), connect or grpc-js, over gRPC;
// plinth-http1, connect-http1 or connect-http1-json, by Connect over HTTP/1.1 (plinth falls back to it: the server has nothing else).
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { Client, credentials } from "@grpc/grpc-js";
import { createClients, createEndpointChannel } from "@plinth/clients";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { AuditService, EntrySchema, GetEntryRequestSchema } from "@plinth/proto/plinth/audit/v1/audit";
import { closedLoop } from "./load.ts";

const [kind = "", portText, lanes, seconds] = process.argv.slice(2);
const port = Number(portText);
const endpoint = { instanceId: "a", host: "127.0.0.1", port, draining: false };
const request = { id: "01920000-0000-7000-8000-000000000001" };
const deadlineMs = 5_000;

/** All of packages/clients. */
async function openClients(): Promise<() => Promise<unknown>> {
  const resolver = {
    name: "one",
    watch(_: string, onChange: (endpoints: readonly (typeof endpoint)[]) => void) {
      onChange([endpoint]);
      return { close() {} };
    },
  };
  const client = createClients({ resolver, clock: systemClock, random: systemRandom, logger: silentLogger }).get(
    AuditService,
    "audit",
  );
  return () => client.getEntry(request);
}

const kinds: Record<string, () => Promise<() => Promise<unknown>>> = {
  plinth: openClients,
  "plinth-http1": openClients,
  async "connect-http1"() {
    const baseUrl = `http://127.0.0.1:${port}`;
    const client = createClient(AuditService, createConnectTransport({ baseUrl, httpVersion: "1.1" }));
    return () => client.getEntry(request, { timeoutMs: deadlineMs });
  },
  async "connect-http1-json"() {
    const options = { baseUrl: `http://127.0.0.1:${port}`, httpVersion: "1.1", useBinaryFormat: false } as const;
    const client = createClient(AuditService, createConnectTransport(options));
    return () => client.getEntry(request, { timeoutMs: deadlineMs });
  },
  async transport() {
    const client = createClient(AuditService, await createEndpointChannel(endpoint, systemClock).connected());
    return () => client.getEntry(request, { timeoutMs: deadlineMs });
  },
  async connect() {
    const client = createClient(AuditService, createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` }));
    return () => client.getEntry(request, { timeoutMs: deadlineMs });
  },
  async "grpc-js"() {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const serialize = (message: typeof request) =>
      Buffer.from(toBinary(GetEntryRequestSchema, create(GetEntryRequestSchema, message)));
    const parse = (bytes: Buffer) => fromBinary(EntrySchema, bytes);
    return () =>
      new Promise((resolve, reject) =>
        client.makeUnaryRequest(
          "/plinth.audit.v1.AuditService/GetEntry",
          serialize,
          parse,
          request,
          { deadline: Date.now() + deadlineMs },
          (err, answer) => (err ? reject(err) : resolve(answer)),
        ),
      );
  },
};
const make = kinds[kind];
if (make === undefined) throw new Error(`name one of ${Object.keys(kinds).join(", ")}`);
const call = await make();
await closedLoop(Number(lanes), 2, call);
const before = process.cpuUsage();
const result = await closedLoop(Number(lanes), Number(seconds), call);
const used = process.cpuUsage(before);
const cpuUs = (used.user + used.system) / result.calls;
process.stdout.write(`${JSON.stringify({ ...result, cpuUs, rssMiB: process.memoryUsage.rss() / 2 ** 20 })}\n`);
process.exit(0);

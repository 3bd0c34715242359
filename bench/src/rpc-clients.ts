// Unary calls of about 90 bytes over gRPC in a closed loop: `node rpc-clients.ts KIND PORT LANES SECONDS` prints what it
// took as JSON. KIND is plinth (all of packages/clients), transport (its connection alone), connect or grpc-js.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
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

const kinds: Record<string, () => Promise<() => Promise<unknown>>> = {
  async plinth() {
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

// The client that the Connect conformance suite tests: reads on standard input which calls to make, makes them over the
// transport that calls between services use, and writes down what it saw of each. With a directory of routes as its
// argument the calls go through the gateway.
import { ConnectError, createClient } from "@connectrpc/connect";
import { createEndpointChannel, type EndpointChannel } from "@plinth/clients";
import { systemClock } from "@plinth/kernel";
import {
  type ClientCompatRequest,
  ClientCompatRequestSchema,
  ClientCompatResponseSchema,
  ConformanceService,
} from "@plinth/proto/connectrpc/conformance/v1/conformance";
import { frameMessage, readMessages } from "./framed-messages.ts";
import { makeCall } from "./make-call.ts";
import { startTestedGateway } from "./start-tested-gateway.ts";

const routes = process.argv[2];
const channels = new Map<string, Promise<EndpointChannel>>();
/** Calls at a time. */
const callsMax = 16;
const running = new Set<Promise<void>>();

/** To a server on this machine, or to a gateway in front of it. */
async function open(host: string, port: number): Promise<EndpointChannel> {
  const at = routes === undefined ? port : (await startTestedGateway(port, routes)).port();
  return createEndpointChannel({ instanceId: `${host}:${at}`, host, port: at, draining: false }, systemClock);
}

async function answer(request: ClientCompatRequest): Promise<void> {
  const { testName, host, port } = request;
  const key = `${host}:${port}`;
  const opened = channels.get(key) ?? open(host, port);
  channels.set(key, opened);
  const channel = await opened;
  const result = await makeCall(createClient(ConformanceService, await channel.connected()), request).then(
    (value) => ({ case: "response" as const, value }),
    (err: unknown) => ({ case: "error" as const, value: { message: ConnectError.from(err).message } }),
  );
  process.stdout.write(frameMessage(ClientCompatResponseSchema, { testName, result }));
}

for await (const request of readMessages(ClientCompatRequestSchema, process.stdin)) {
  const call = answer(request).finally(() => running.delete(call));
  running.add(call);
  if (running.size >= callsMax) await Promise.race(running);
}
await Promise.all(running);
for (const channel of channels.values()) (await channel).close();
// Gateways go with the process.
if (routes !== undefined) process.exit(0);

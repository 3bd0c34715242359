// The server that the Connect conformance suite tests: reads on standard input how it is to be, says where it is, and
// runs until it gets SIGTERM. With a directory of routes as its argument it is called through the gateway.
import {
  ServerCompatRequestSchema,
  ServerCompatResponseSchema,
} from "@plinth/proto/connectrpc/conformance/v1/conformance";
import { frameMessage, readMessages } from "./framed-messages.ts";
import { startTestedGateway } from "./start-tested-gateway.ts";
import { startTestedServer } from "./start-tested-server.ts";

const routes = process.argv[2];
for await (const { messageReceiveLimit } of readMessages(ServerCompatRequestSchema, process.stdin)) {
  const server = await startTestedServer(messageReceiveLimit > 0 ? { readMaxBytes: messageReceiveLimit } : {});
  process.once("SIGTERM", () => process.exit(0));
  const port = routes === undefined ? server.port() : (await startTestedGateway(server.port(), routes)).port();
  process.stdout.write(frameMessage(ServerCompatResponseSchema, { host: "127.0.0.1", port }));
}

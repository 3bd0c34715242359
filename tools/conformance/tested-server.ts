// The server that the Connect conformance suite tests: reads on standard input how it is to be, says where it is, and
// runs until it gets SIGTERM.
import {
  ServerCompatRequestSchema,
  ServerCompatResponseSchema,
} from "@plinth/proto/connectrpc/conformance/v1/conformance";
import { frameMessage, readMessages } from "./framed-messages.ts";
import { startTestedServer } from "./start-tested-server.ts";

for await (const { messageReceiveLimit } of readMessages(ServerCompatRequestSchema, process.stdin)) {
  const server = await startTestedServer(messageReceiveLimit > 0 ? { readMaxBytes: messageReceiveLimit } : {});
  process.once("SIGTERM", () => process.exit(0));
  process.stdout.write(frameMessage(ServerCompatResponseSchema, { host: "127.0.0.1", port: server.port() }));
}

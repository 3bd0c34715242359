import { access, defineService } from "@plinth/rpc";
import { runService } from "@plinth/service";
import { HelloService } from "../gen/hello/v1/hello_pb.ts";
import { greeting } from "./greeting.ts";

await runService({
  name: "hello",
  version: "0.1.0",
  config: {},
  uses: {},
  compose: () => ({
    services: [
      defineService(HelloService, {
        sayHello: { access: access.public, handle: async ({ name }) => ({ text: `${greeting} ${name}` }) },
      }),
    ],
  }),
});

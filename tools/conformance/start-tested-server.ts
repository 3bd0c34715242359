import { createHealth, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { ErrorInfoSchema } from "@plinth/proto/google/rpc/error_details";
import { createRpcServer, type RpcServer } from "@plinth/rpc";
import { conformanceRoutes } from "./conformance-service.ts";
import { interopRoutes } from "./interop-service.ts";

/** The server of every Plinth service, with everything that a call passes, and the judges' services on it. */
export async function startTestedServer(options: { readMaxBytes?: number } = {}): Promise<RpcServer> {
  const server = createRpcServer({
    host: "127.0.0.1",
    port: 0,
    services: [conformanceRoutes, interopRoutes],
    authenticator: {
      authenticate: async () => ({
        principal: { kind: "anonymous" },
        workload: undefined,
        accessToken: undefined,
        throughEdge: false,
      }),
    },
    authorizer: { check: async () => false },
    health: createHealth(),
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
    // The suite counts an error's details, and knows nothing of ours.
    explainError(error) {
      error.details = error.details.filter((detail) => !("desc" in detail) || detail.desc !== ErrorInfoSchema);
    },
    ...options,
  });
  await server.start?.();
  return server;
}

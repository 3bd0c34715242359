import { createHealth, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { createRpcServer, type RpcServer, type RpcServerOptions, type ServiceRoutes } from "@plinth/rpc";

/** A started server on a free loopback port for which everybody is anonymous; `more` replaces any of that. */
export async function startOpenServer(
  services: readonly ServiceRoutes[],
  more: Partial<RpcServerOptions> = {},
): Promise<RpcServer> {
  const server = createRpcServer({
    host: "127.0.0.1",
    port: 0,
    services,
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
    ...more,
  });
  await server.start?.();
  return server;
}

import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { createHealth, Fault, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import { access, createRpcServer, type RpcServer, type ServiceRoutes } from "@plinth/rpc";

/** Decides permission questions in a test. */
export type Permissions = (subject: string, relation: string, object: string) => boolean;

/** A real server that stands in for the services around the one under test: keys of auth, decisions of authz, and what the test adds. */
export async function startPeers(
  jwksJson: string,
  permissions: Permissions,
  extra: readonly ServiceRoutes[],
): Promise<RpcServer> {
  const server = createRpcServer({
    host: "127.0.0.1",
    port: 0,
    services: [
      partialService(AuthService, { getJwks: async () => ({ jwksJson }) }),
      partialService(AuthzService, {
        check: async (request: { subject: string; relation: string; object: string }) => ({
          allowed: permissions(request.subject, request.relation, request.object),
        }),
      }),
      ...extra,
    ],
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
  });
  await server.start?.();
  return server;
}

type PartialHandlers = Record<string, (request: never) => Promise<object> | AsyncIterable<object>>;

/** A service of which only some RPCs are there; the others answer unimplemented. */
export function partialService(service: DescService, handlers: PartialHandlers): ServiceRoutes {
  const missing = (method: DescMethod) => async () => {
    throw new Fault({
      code: "unimplemented",
      reason: "TEST_PEER",
      message: `the test's ${service.typeName} has no ${method.name}`,
    });
  };
  return {
    service,
    routes: new Map(
      service.methods.map((method) => [
        method.localName,
        { access: access.public, handle: handlers[method.localName] ?? missing(method) },
      ]),
    ),
  };
}

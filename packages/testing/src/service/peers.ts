import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Fault } from "@plinth/kernel";
import { ConfigurationService } from "@plinth/proto/plinth/audit/v1/configuration";
import { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import { access, type RpcServer, type ServiceRoutes } from "@plinth/rpc";
import { startOpenServer } from "./open-server.ts";

/** Decides permission questions in a test. */
export type Permissions = (subject: string, relation: string, object: string) => boolean;

/** A real server that stands in for the services around the one under test: keys of auth, decisions of authz, and what the test adds. */
export function startPeers(
  jwksJson: string,
  permissions: Permissions,
  extra: readonly ServiceRoutes[],
): Promise<RpcServer> {
  return startOpenServer([
    partialService(AuthService, { getJwks: async () => ({ jwksJson }) }),
    partialService(AuthzService, {
      check: async (request: { subject: string; relation: string; object: string }) => ({
        allowed: permissions(request.subject, request.relation, request.object),
      }),
    }),
    partialService(ConfigurationService, { reportConfiguration: async () => ({ changes: 0 }) }),
    ...extra,
  ]);
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

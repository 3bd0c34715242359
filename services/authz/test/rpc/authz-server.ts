import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createHealth, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { ErrorInfoSchema } from "@plinth/proto/google/rpc/error_details";
import { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import { type Authenticator, createRpcServer } from "@plinth/rpc";
import { expect } from "vitest";
import { createEngineAuthorizer } from "../../src/engine/engine-authorizer.ts";
import { createPermissionEngine } from "../../src/engine/permission-engine.ts";
import { createAdminGrant } from "../../src/grant-admins.ts";
import { createModelCache } from "../../src/model/model-cache.ts";
import { authzRoutes } from "../../src/routes.ts";
import { type OpenStore, openPostgresStore } from "../open-postgres-store.ts";

export type AuthzClient = Client<typeof AuthzService>;

export interface AuthzServer {
  opened: OpenStore;
  /** A client that calls as "user:ann", as the service "notes", as both, or as nobody. */
  as(caller: { user?: string; service?: string }): AuthzClient;
  /** Another instance of the service on the same database. */
  startInstance(): Promise<AuthzServer>;
  close(): Promise<void>;
}

/** Believes what headers say: tokens are the business of packages/rpc and tested there. */
const authenticator: Authenticator = {
  async authenticate(headers) {
    const user = headers.get("x-test-user");
    const workload = headers.get("x-test-service") ?? undefined;
    return {
      principal: user
        ? { kind: "user", userId: user, sessionId: "s" }
        : workload
          ? { kind: "service", name: workload }
          : { kind: "anonymous" },
      workload,
      accessToken: undefined,
      throughEdge: false,
    };
  },
};

/** The service's routes on a real server and a real database; service "root" is an admin of the platform. */
export async function startAuthzServer(): Promise<AuthzServer> {
  const opened = await openPostgresStore();
  const server = await startOn(opened);
  return { ...server, close: () => server.close().then(() => opened.close()) };
}

async function startOn(opened: OpenStore): Promise<AuthzServer> {
  const { store } = opened;
  const models = createModelCache();
  const engine = createPermissionEngine(store, models);
  await createAdminGrant({ admins: ["service:root"], store, logger: silentLogger }).start?.();
  const health = createHealth();
  const server = createRpcServer({
    host: "127.0.0.1",
    port: 0,
    services: [authzRoutes({ store, models, engine })],
    authenticator,
    authorizer: createEngineAuthorizer(engine),
    health,
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
  });
  await server.start?.();
  const baseUrl = `http://127.0.0.1:${server.port()}`;
  return {
    opened,
    as: ({ user, service }) =>
      createClient(
        AuthzService,
        createGrpcTransport({
          baseUrl,
          interceptors: [
            (next) => (request) => {
              if (user) request.header.set("x-test-user", user);
              if (service) request.header.set("x-test-service", service);
              return next(request);
            },
          ],
        }),
      ),
    startInstance: () => startOn(opened),
    close: async () => server.stop?.(AbortSignal.timeout(5_000)),
  };
}

/** What a call failed with: code and reason. */
export async function failureOf(call: Promise<unknown>): Promise<[string, string]> {
  const err = await call.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(err).toBeInstanceOf(ConnectError);
  const failure = err as ConnectError;
  return [Code[failure.code] as string, failure.findDetails(ErrorInfoSchema)[0]?.reason ?? ""];
}

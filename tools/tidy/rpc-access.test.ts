import path from "node:path";
import { create, type DescField, type DescMethod, ScalarType } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createHealth, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { type Authenticator, createRpcServer, type ServiceRoutes } from "@plinth/rpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../run.ts";
import { repositoryFiles } from "./repository-files.ts";

/** RPCs that everybody may call, each with the reason. A new one is a decision, so it is made here as well. */
const publicRpcs: Record<string, string> = {
  "plinth.auth.v1.AuthService/Login": "is how a caller becomes known",
  "plinth.auth.v1.AuthService/Refresh": "proves itself with the refresh token",
  "plinth.auth.v1.AuthService/Logout": "proves itself with the refresh token",
  "plinth.auth.v1.AuthService/IssueServiceToken": "proves itself with the client secret",
  "plinth.auth.v1.AuthService/GetJwks": "the keys are public",
};

/** RPCs that every signed-in user may call; what they may reach is decided in the handler. */
const userRpcs: Record<string, string> = {
  "plinth.auth.v1.AuthService/IntrospectToken": "whoever holds a token may ask about it",
  "plinth.auth.v1.AuthService/RevokeSession": "the handler knows whose session it is",
  "plinth.identity.v1.IdentityService/ChangePassword": "changes the caller's own password, which has to be given",
  "notes.v1.NotesService/CreateNote": "everybody has notes of their own",
  "notes.v1.NotesService/ListNotes": "lists what the caller may read",
};

/** Stands in for everything that routes get handed: calling or reading it gives itself. */
const anything: never = new Proxy(() => {}, {
  get: (_, name) => (name === "then" || typeof name === "symbol" ? undefined : anything),
  apply: () => anything,
}) as never;

/** The routes of every service, as its routes.ts makes them. */
async function allRoutes(): Promise<ServiceRoutes[]> {
  const files = repositoryFiles("{services,examples}/*/src/routes.ts");
  const modules: Record<string, unknown>[] = await Promise.all(files.map((file) => import(path.join(root, file))));
  return modules
    .flatMap((module) => Object.values(module))
    .filter((exported) => typeof exported === "function")
    .map((makeRoutes) => makeRoutes(anything, anything, anything))
    .filter((made: ServiceRoutes) => made.routes instanceof Map);
}

const services = await allRoutes();
const rpcs = services.flatMap(({ service, routes }) =>
  service.methods.map((method) => ({
    name: `${service.typeName}/${method.name}`,
    method,
    rule: routes.get(method.localName)?.access,
  })),
);

const stranger = "01920000-0000-7000-8000-00000000beef";
const somebodyElse = "01920000-0000-7000-8000-00000000cafe";

/** Takes the bearer token for the user's id. */
const authenticator: Authenticator = {
  async authenticate(headers) {
    const userId = headers.get("authorization")?.replace("Bearer ", "");
    return {
      principal: userId ? { kind: "user", userId, sessionId: "s" } : { kind: "anonymous" },
      workload: undefined,
      accessToken: undefined,
      throughEdge: false,
    };
  },
};

// The real server with the real rules; permissions are refused, and handlers that are reached fail as "internal".
const server = createRpcServer({
  host: "127.0.0.1",
  port: 0,
  services,
  authenticator,
  authorizer: { check: async () => false },
  health: createHealth(),
  logger: silentLogger,
  clock: systemClock,
  random: systemRandom,
});
beforeAll(() => server.start?.());
afterAll(() => server.stop?.(AbortSignal.timeout(1_000)));

/** How a call by this user (or by nobody) about somebody else's things ends. */
async function codeFor(method: DescMethod, userId?: string): Promise<string> {
  const signIn: Interceptor = (next) => (request) => {
    if (userId) request.header.set("authorization", `Bearer ${userId}`);
    return next(request);
  };
  const transport: Transport = createGrpcTransport({
    baseUrl: `http://127.0.0.1:${server.port()}`,
    interceptors: [signIn],
  });
  const client = createClient(method.parent, transport) as Record<string, (request: object) => unknown>;
  const request = create(
    method.input,
    Object.fromEntries(method.input.fields.filter(isText).map((field) => [field.localName, valueFor(field)])),
  );
  const thrown = await answered(client[method.localName]?.(request)).catch((err: unknown) => err);
  return thrown instanceof ConnectError ? (Code[thrown.code] ?? "") : "ok";
}

/** The answer, or the first message of a stream. */
async function answered(result: unknown): Promise<unknown> {
  if (typeof result !== "object" || result === null || !(Symbol.asyncIterator in result)) return result;
  return (result as AsyncIterable<unknown>)[Symbol.asyncIterator]().next();
}

const isText = (field: DescField): boolean => field.fieldKind === "scalar" && field.scalar === ScalarType.STRING;
const valueFor = (field: DescField): string => (field.name === "subject" ? `user:${somebodyElse}` : somebodyElse);

test("all services are here", () => {
  const expected = repositoryFiles("proto/plinth/*/v1/*.proto").filter(
    (file) => !/\/(events|event)\.proto$/.test(file),
  );
  expect(services.filter(({ service }) => service.typeName.startsWith("plinth."))).toHaveLength(expected.length);
  expect(rpcs.length).toBeGreaterThan(30);
});

describe.each(rpcs)("$name", ({ name, method, rule }) => {
  test("has an access rule", () => {
    expect(rule?.kind).toMatch(/^(public|authenticated|service|permission|self|any)$/);
  });

  test(
    name in publicRpcs ? "is public on purpose" : "refuses callers without credentials (unauthenticated)",
    async () => {
      const code = await codeFor(method);
      if (name in publicRpcs) expect(code).not.toMatch(/Unauthenticated|PermissionDenied/);
      else expect(code).toBe("Unauthenticated");
    },
  );

  const open = name in publicRpcs || name in userRpcs;
  test(open ? "lets every user in on purpose" : "refuses a user without the right (permission denied)", async () => {
    const code = await codeFor(method, stranger);
    if (open) expect(code).not.toMatch(/Unauthenticated|PermissionDenied/);
    else expect(code).toBe("PermissionDenied");
  });
});

test("the lists of open RPCs name only what is there", () => {
  const names = rpcs.map(({ name }) => name);
  expect([...Object.keys(publicRpcs), ...Object.keys(userRpcs)].filter((name) => !names.includes(name))).toEqual([]);
});

import { create, type DescMessage, type DescService, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { busSchemaSql, createPostgresBus } from "@plinth/bus";
import { type ConfigSpec, createLifecycle, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { migrate } from "@plinth/postgres";
import type { ServiceRoutes } from "@plinth/rpc";
import { composeService, type ServiceDefinition } from "@plinth/service";
import { patience } from "../postgres/patience.ts";
import { createTestDatabase, type TestDatabase } from "../postgres/test-database.ts";
import { type Permissions, startPeers } from "./peers.ts";
import { createTestTokens, type TestTokens } from "./test-tokens.ts";

export interface StartServiceOptions<S extends ConfigSpec> {
  definition: ServiceDefinition<S>;
  /** Folder of the service's migrations. */
  migrations: string;
  /** More environment keys. */
  env?: Record<string, string>;
  /** Default: nobody may do anything that needs a permission. */
  permissions?: Permissions;
  /** More services for the peer that stands in for auth, authz, identity and audit. */
  peers?: readonly ServiceRoutes[];
}

/** Who calls. */
export interface As {
  userId?: string;
  sessionId?: string;
  workload?: string;
  headers?: Record<string, string>;
}

export interface ServiceFixture {
  baseUrl: string;
  adminUrl: string;
  database: TestDatabase;
  tokens: TestTokens;
  /** A gRPC client; without `as` it is anonymous. */
  client<D extends DescService>(service: D, as?: As): Promise<Client<D>>;
  /** The events that reached the bus, in order. */
  published(topic: string): Promise<PublishedEvent[]>;
  /** Puts an event on the bus, as the service `source` would. Returns its id. */
  publish<D extends DescMessage>(event: TestEvent<D>): Promise<string>;
  stop(): Promise<void>;
}

export interface PublishedEvent {
  id: string;
  type: string;
  subject: string;
  actor: string;
  /** Null when it does not say. */
  clientAddress: string | null;
  via: string | null;
  data: Buffer;
}

export interface TestEvent<D extends DescMessage> {
  /** The publishing service. */
  source: string;
  topic: string;
  key: string;
  schema: D;
  message: MessageInitShape<D>;
  /** Default: a new one. The same id again is a second delivery. */
  id?: string;
}

/** Runs a whole service in this process: real PostgreSQL with migrations and bus, real sockets, real tokens. */
export async function startService<S extends ConfigSpec>(options: StartServiceOptions<S>): Promise<ServiceFixture> {
  const { definition } = options;
  const database = await createTestDatabase(definition.name.replaceAll("-", "_"));
  await database.admin(
    `CREATE SCHEMA plinth_bus; SET search_path = plinth_bus; ${busSchemaSql}; GRANT USAGE ON SCHEMA plinth_bus TO PUBLIC; GRANT ALL ON ALL TABLES IN SCHEMA plinth_bus TO PUBLIC`,
  );
  await migrate({
    url: database.ddlUrl,
    schema: database.schema,
    runtimeRole: database.runtimeRole,
    directory: options.migrations,
    logger: silentLogger,
    clock: systemClock,
  });
  const tokens = await createTestTokens();
  const peers = await startPeers(tokens.jwksJson, options.permissions ?? (() => false), options.peers ?? []);
  const env = {
    PLINTH_HOST: "127.0.0.1",
    PLINTH_PORT: "0",
    PLINTH_ADMIN_PORT: "0",
    PLINTH_LOG_LEVEL: "error",
    PLINTH_TELEMETRY: "off",
    PLINTH_DRAIN_DELAY: "0ms",
    PLINTH_DATABASE_URL: database.url,
    PLINTH_BUS_URL: withSearchPath(database.url, "plinth_bus"),
    PLINTH_DISCOVERY_DRIVER: "static",
    PLINTH_DISCOVERY_STATIC: ["auth", "authz", "identity", "audit"]
      .map((name) => `${name}=127.0.0.1:${peers.port()}`)
      .join(","),
    PLINTH_WORKLOAD_JWKS: tokens.workloadJwksFile,
    ...options.env,
  };
  const service = await composeService(definition, env, patience);
  const lifecycle = createLifecycle(service.components, { logger: service.logger, clock: systemClock });
  await lifecycle.start();
  const baseUrl = `http://127.0.0.1:${service.port()}`;
  const bus = createPostgresBus({
    url: withSearchPath(database.url, "plinth_bus"),
    applicationName: "test",
    ...{ logger: silentLogger, clock: systemClock, random: systemRandom },
  });
  return {
    baseUrl,
    adminUrl: `http://127.0.0.1:${service.adminPort()}`,
    database,
    tokens,
    async client(desc, as = {}) {
      const headers = await headersOf(as, tokens);
      const transport = createGrpcTransport({
        baseUrl,
        interceptors: [
          (next) => (request) => {
            for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
            return next(request);
          },
        ],
      });
      return createClient(desc, transport);
    },
    published: async (topic) =>
      (await database.admin(
        `SELECT id, type, subject, actor, client_address AS "clientAddress", via, data FROM plinth_bus.message
         WHERE topic = '${topic}' ORDER BY stored_at, position`,
      )) as unknown as PublishedEvent[],
    async publish({ source, topic, key, schema, message, id = systemRandom.uuidv7(Date.now()) }) {
      await bus.publish([
        {
          ...{ id, source, topic, key, type: schema.typeName, subject: `users/${key}`, time: new Date() },
          ...{ data: toBinary(schema, create(schema, message)), actor: "user:admin", requestId: "r" },
          traceparent: undefined,
        },
      ]);
      return id;
    },
    async stop() {
      await bus.stop?.(AbortSignal.timeout(1_000));
      await lifecycle.stop();
      await peers.stop?.(AbortSignal.timeout(1_000));
      await database.drop();
    },
  };
}

async function headersOf(as: As, tokens: TestTokens): Promise<Record<string, string>> {
  return {
    ...(as.userId === undefined ? {} : { authorization: `Bearer ${await tokens.user(as.userId, as.sessionId)}` }),
    ...(as.workload === undefined ? {} : { "x-plinth-workload-token": await tokens.workload(as.workload) }),
    ...as.headers,
  };
}

function withSearchPath(url: string, schema: string): string {
  const result = new URL(url);
  result.searchParams.set("options", `-c search_path=${schema}`);
  return result.href;
}

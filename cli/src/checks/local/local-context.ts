import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "@plinth/kernel";
import pg from "pg";
import { readAdminAccount } from "../../local/admin-account.ts";
import { control, type PlatformStatus } from "../../local/control-socket.ts";
import { databaseName } from "../../local/databases.ts";
import { type LocalPaths, localPaths } from "../../local/local-paths.ts";
import { serverPort } from "../../local/stale-server.ts";
import { type GatewayAnswer, gatewayCall } from "../../verify/gateway-client.ts";

/** A platform of this machine, as its checks see it. */
export interface LocalContext {
  paths: LocalPaths;
  clock: Clock;
  /** Throws when no platform runs. */
  status(): Promise<PlatformStatus>;
  /** Throws without a gateway. */
  gatewayUrl(): Promise<string>;
  /** A connection of the superuser; the caller's work ends it. */
  withDatabase<T>(work: (client: pg.Client) => Promise<T>): Promise<T>;
  /** Keys with which services reach the event bus. */
  bus(): Promise<Record<string, string>>;
  /** Signs in once, as the first administrator. */
  session(): Promise<Session>;
  call(method: string, message: object, token?: string): Promise<GatewayAnswer>;
  close(): Promise<void>;
}

export interface Session {
  accessToken: string;
  refreshToken: string;
  /** Of this machine, before and after signing in. */
  betweenMs: readonly [number, number];
}

const connectTimeoutMs = 5_000;
const statementTimeoutMs = 10_000;

export function openLocalContext(home: string, clock: Clock): LocalContext {
  const paths = localPaths(path.resolve(home));
  let session: Promise<Session> | undefined;
  const context: LocalContext = {
    paths,
    clock,
    async status() {
      const status = await control(paths.controlSocket).status();
      if (!status) throw new Error(`nothing runs on ${paths.home}`);
      return status;
    },
    async gatewayUrl() {
      const { gatewayUrl } = await context.status();
      if (gatewayUrl === undefined) throw new Error("no gateway is part of this platform");
      return gatewayUrl;
    },
    async withDatabase(work) {
      const client = new pg.Client({
        connectionString: await superuserUrl(paths),
        connectionTimeoutMillis: connectTimeoutMs,
        statement_timeout: statementTimeoutMs,
        application_name: "plinth check",
      });
      // A broken connection fails the query in hand; unheard, its event would end the process as well.
      client.on("error", () => {});
      await client.connect();
      return work(client).finally(() => client.end());
    },
    async bus() {
      const bus = await control(paths.controlSocket).bus();
      if (!bus) throw new Error(`nothing runs on ${paths.home}`);
      return bus;
    },
    session() {
      session ??= signIn(context);
      return session;
    },
    call: async (method, message, token) => gatewayCall(await context.gatewayUrl())(method, message, token),
    async close() {
      const open = await session?.catch(() => undefined);
      if (!open) return;
      await context.call("plinth.auth.v1.AuthService/Logout", { refreshToken: open.refreshToken }).catch(() => {});
    },
  };
  return context;
}

/** URL of the embedded PostgreSQL's superuser while it runs. Throws an error for a person. */
export async function superuserUrl(paths: LocalPaths): Promise<string> {
  const port = await serverPort(paths.postgresData);
  if (port === undefined) throw new Error(`no PostgreSQL runs on ${paths.postgresData}`);
  const text = await readFile(paths.secrets, "utf8").catch(() => {
    throw new Error(`${paths.secrets} cannot be read`);
  });
  const { postgresPassword } = JSON.parse(text) as { postgresPassword: string };
  return `postgres://postgres:${encodeURIComponent(postgresPassword)}@127.0.0.1:${port}/${databaseName}`;
}

async function signIn(context: LocalContext): Promise<Session> {
  const account = await readAdminAccount(context.paths.admin);
  if (!account) throw new Error(`${context.paths.admin} is missing: nobody to sign in as`);
  const { email, password } = account;
  const before = context.clock.now();
  const answer = await context.call("plinth.auth.v1.AuthService/Login", {
    ...{ email, password },
    deviceName: "plinth check",
  });
  const { accessToken, refreshToken, message } = answer.body as Record<string, string>;
  if (accessToken === undefined || refreshToken === undefined) {
    throw new Error(`the administrator cannot sign in: ${answer.code}: ${message ?? ""}`);
  }
  return { accessToken, refreshToken, betweenMs: [before, context.clock.now()] };
}

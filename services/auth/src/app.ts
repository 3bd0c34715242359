import type { IncomingMessage, ServerResponse } from "node:http";
import { createAuthzAuthorizer } from "@plinth/clients";
import type { Component } from "@plinth/kernel";
import { createDataKey } from "@plinth/postgres";
import { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import { createAccessTokenVerifier, createKeySet } from "@plinth/rpc";
import type { ServiceDefinition, ServiceRuntime } from "@plinth/service";
import { config } from "./config.ts";
import { onUserEvent } from "./events/on-user-event.ts";
import { createKeyRing, type KeyRing, opensSigningKey } from "./keys/key-ring.ts";
import { createTokenIssuer } from "./keys/token-issuer.ts";
import { routes } from "./routes.ts";
import { createCredentialStore } from "./store/credential-store.ts";
import { createPostgresSessionStore } from "./store/postgres-session-store.ts";
import type { SessionStore } from "./store/session-store.ts";
import { createLoginThrottle } from "./throttle/login-throttle.ts";

/** Verifiers cache keys for up to five minutes and allow some clock difference. */
const overlapReserveMs = 600_000;
const pruneIntervalMs = 600_000;

export const auth: ServiceDefinition<typeof config> = {
  name: "auth",
  version: "0.1.0",
  config,
  uses: { database: true, bus: true },
  comments: async () => (await import("@plinth/proto/comments/plinth/auth/v1")).comments,
  compose(runtime, settings) {
    const { database, bus, clients, logger, clock, random, base } = runtime;
    const dataKey = createDataKey({
      ...{ database, random, logger, setting: config.keyEncryptionKey.env, earlier: opensSigningKey },
      current: settings.keyEncryptionKey,
      previous: settings.previousKeyEncryptionKey,
    });
    const overlapMs = settings.accessTokenLifetimeMs + overlapReserveMs;
    const keys = createKeyRing({
      database,
      clock,
      random,
      logger,
      dataKey: dataKey.key,
      rotationMs: settings.keyRotationMs,
      overlapMs,
    });
    const claims = { issuer: base.tokenIssuer, audience: base.tokenAudience };
    const issuer = createTokenIssuer({ keys, clock, random, ...claims, lifetimeMs: settings.accessTokenLifetimeMs });
    const lifetimes = {
      refreshTokenMs: settings.refreshTokenLifetimeMs,
      sessionMs: settings.sessionLifetimeMs,
      replayWindowMs: settings.replayWindowMs,
    };
    const sessions = createPostgresSessionStore({ database, clock, random, lifetimes });
    const throttle = createLoginThrottle(database, clock, dataKey.key);
    const verifier = createAccessTokenVerifier({
      keys: createKeySet({ fetch: keys.jwksJson, clock }),
      ...claims,
      clock,
    });
    const service = routes({
      login: { identity: clients.get(IdentityService, "identity"), sessions, throttle, issuer, database },
      introspect: { sessions, verifier, clock, ...claims },
      credentials: createCredentialStore(database, clock, random),
      keys,
      authorizer: createAuthzAuthorizer(clients),
    });
    return {
      services: [service],
      httpRoutes: { "/.well-known/jwks.json": (request, response) => answerJwks(keys, request, response) },
      workers: [dataKey, keys, onUserEvent(bus, database, sessions), pruning(sessions, runtime)],
      accessTokenKeys: keys.jwksJson,
    };
  },
};

function answerJwks(keys: KeyRing, _request: IncomingMessage, response: ServerResponse): void {
  keys.jwksJson().then(
    (json) =>
      response
        .writeHead(200, { "content-type": "application/jwk-set+json", "cache-control": "public, max-age=60" })
        .end(json),
    () => response.writeHead(503, { "retry-after": "1" }).end(),
  );
}

function pruning(sessions: SessionStore, { clock, logger }: ServiceRuntime): Component {
  const stopping = new AbortController();
  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sessions.prune().catch((err) => logger.warn({ err }, "ended sessions could not be removed"));
      await clock.sleep(pruneIntervalMs, stopping.signal).catch(() => {});
    }
  }
  return { name: "session pruning", start: async () => void run(), stop: async () => stopping.abort() };
}

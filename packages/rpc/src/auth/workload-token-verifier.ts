import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type Clock, Fault } from "@plinth/kernel";
import { createLocalJWKSet, createRemoteJWKSet, type JWTVerifyGetKey, jwtVerify } from "jose";

/** Proves which service calls. Throws Fault unauthenticated for a token that is not good. */
export type WorkloadTokenVerifier = (token: string) => Promise<string>;

export interface WorkloadTokenVerifierOptions {
  /** A file with a JWK set, or its http(s) URL. */
  jwks: string;
  issuer: string;
  clock: Clock;
}

const audience = "plinth";
const cacheMax = 1_000;

/**
 * Verifies workload tokens: on one machine those that the supervisor mints ("service:NAME"), on Kubernetes projected
 * ServiceAccount tokens ("system:serviceaccount:NAMESPACE:NAME").
 */
export function createWorkloadTokenVerifier(options: WorkloadTokenVerifierOptions): WorkloadTokenVerifier {
  const cache = new Map<string, { name: string; expiresAt: number }>();
  let keys: JWTVerifyGetKey | undefined;

  async function loadKeys(): Promise<JWTVerifyGetKey> {
    if (/^https?:/.test(options.jwks)) return createRemoteJWKSet(new URL(options.jwks));
    return createLocalJWKSet(JSON.parse(await readFile(options.jwks, "utf8")));
  }

  return async (token) => {
    const digest = hash("sha256", token, "base64");
    const cached = cache.get(digest);
    if (cached && cached.expiresAt > options.clock.now() / 1000) return cached.name;
    keys ??= await loadKeys();
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: ["EdDSA", "ES256", "RS256"],
        issuer: options.issuer,
        audience,
        requiredClaims: ["sub", "exp"],
        clockTolerance: 5,
        currentDate: new Date(options.clock.now()),
      });
      const name = serviceName(payload.sub ?? "");
      if (cache.size >= cacheMax) cache.delete(cache.keys().next().value as string);
      cache.set(digest, { name, expiresAt: payload.exp as number });
      return name;
    } catch (err) {
      throw new Fault({
        code: "unauthenticated",
        reason: "WORKLOAD_TOKEN_INVALID",
        message: "the workload token is not valid",
        cause: err,
      });
    }
  };
}

function serviceName(subject: string): string {
  const match = /^(?:service|system:serviceaccount:[a-z0-9-]+):([a-z0-9-]+)$/.exec(subject);
  if (!match) throw new Error(`workload token has the subject "${subject}"`);
  return match[1] as string;
}

import { readFile } from "node:fs/promises";
import { type Clock, Fault, isFault, qualifiedServiceName } from "@plinth/kernel";
import { jwtVerify } from "jose";
import { createKeySet } from "./key-set.ts";
import { createTokenCache } from "./token-cache.ts";

/** Proves which service calls. Throws Fault unauthenticated for a token that is not good, unavailable without keys. */
export type WorkloadTokenVerifier = (token: string) => Promise<string>;

export interface WorkloadTokenVerifierOptions {
  /** A file with a JWK set, or its http(s) URL. */
  jwks: string;
  issuer: string;
  clock: Clock;
  /** Kubernetes: ServiceAccounts of this namespace are known by their bare name, others as "name.namespace". Default "plinth". */
  namespace?: string;
}

const audience = "plinth";
const cacheMax = 1_000;
const clockToleranceS = 5;
const fetchTimeoutMs = 3_000;
const documentCharsMax = 65_536;

/**
 * Verifies workload tokens: on one machine those that the supervisor mints ("service:NAME"), on Kubernetes projected
 * ServiceAccount tokens ("system:serviceaccount:NAMESPACE:NAME").
 */
export function createWorkloadTokenVerifier({
  jwks,
  issuer,
  clock,
  namespace = "plinth",
}: WorkloadTokenVerifierOptions): WorkloadTokenVerifier {
  const keys = createKeySet({ fetch: () => readKeys(jwks), clock });
  const cache = createTokenCache<{ name: string; expiresAt: number }>(keys, cacheMax);
  return async (token) => {
    const known = cache.get(token);
    if (known && known.expiresAt > clock.now() / 1000) return known.name;
    try {
      const { payload } = await jwtVerify(token, keys.resolve, {
        algorithms: ["EdDSA", "ES256", "RS256"],
        issuer,
        audience,
        requiredClaims: ["sub", "exp"],
        clockTolerance: clockToleranceS,
        currentDate: new Date(clock.now()),
      });
      const name = serviceName(payload.sub ?? "", namespace);
      cache.set(token, { name, expiresAt: payload.exp as number });
      return name;
    } catch (err) {
      if (isFault(err)) throw err;
      throw new Fault({
        code: "unauthenticated",
        reason: "WORKLOAD_TOKEN_INVALID",
        message: "the workload token is not valid",
        cause: err,
      });
    }
  };
}

async function readKeys(source: string): Promise<string> {
  if (!/^https?:/.test(source)) return readFile(source, "utf8");
  const response = await fetch(source, { signal: AbortSignal.timeout(fetchTimeoutMs) });
  if (!response.ok) throw new Error(`${source} answered ${response.status}`);
  const text = await response.text();
  if (text.length > documentCharsMax) throw new Error(`${source} answered more than ${documentCharsMax} characters`);
  return text;
}

/** A ServiceAccount of another namespace must not pass for a service of the platform by its name. */
function serviceName(subject: string, platformNamespace: string): string {
  const match = /^(?:service|system:serviceaccount:([a-z0-9-]+)):([a-z0-9-]+)$/.exec(subject);
  if (!match) throw new Error(`workload token has the subject "${subject}"`);
  const [, namespace, name] = match;
  return qualifiedServiceName(name as string, { namespace, platformNamespace });
}

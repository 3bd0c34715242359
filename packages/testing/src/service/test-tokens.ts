import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from "jose";

/** Signs access tokens and workload tokens as the auth service and the substrate would. */
export interface TestTokens {
  /** JWK set of the access tokens' key. */
  jwksJson: string;
  /** File with the JWK set of the workload tokens' key. */
  workloadJwksFile: string;
  user(userId: string, sessionId?: string): Promise<string>;
  serviceAccount(name: string): Promise<string>;
  workload(name: string): Promise<string>;
}

export async function createTestTokens(): Promise<TestTokens> {
  const access = await keyPair("access-1");
  const workload = await keyPair("workload-1");
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-keys-"));
  const workloadJwksFile = path.join(folder, "jwks.json");
  await writeFile(workloadJwksFile, workload.jwks);
  const sign = (key: CryptoKey, kid: string, typ: string, issuer: string, claims: Record<string, string>) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: "EdDSA", kid, typ })
      .setIssuer(issuer)
      .setAudience("plinth")
      .setIssuedAt()
      .setExpirationTime("10m")
      .sign(key);
  return {
    jwksJson: access.jwks,
    workloadJwksFile,
    user: (userId, sessionId = "01920000-0000-7000-8000-00000000aaaa") =>
      sign(access.privateKey, "access-1", "at+jwt", "plinth", { sub: `user:${userId}`, sid: sessionId }),
    serviceAccount: (name) => sign(access.privateKey, "access-1", "at+jwt", "plinth", { sub: `service:${name}` }),
    workload: (name) => sign(workload.privateKey, "workload-1", "JWT", "plinth-local", { sub: `service:${name}` }),
  };
}

async function keyPair(kid: string): Promise<{ privateKey: CryptoKey; jwks: string }> {
  const { privateKey, publicKey } = await generateKeyPair("EdDSA", { extractable: true });
  return {
    privateKey,
    jwks: JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid, alg: "EdDSA", use: "sig" }] }),
  };
}

import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";

/** A key pair of an issuer, and tokens signed with it. */
export interface SigningKey {
  kid: string;
  /** As it stands in the issuer's key set. */
  jwk: JWK;
  /** PEM of the public key: what an attacker knows. */
  publicPem: string;
  privateKey: CryptoKey;
}

export async function createSigningKey(kid: string, alg: "EdDSA" | "ES256" | "RS256" | "ES384"): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return {
    kid,
    jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" },
    publicPem: await exportSPKI(publicKey),
    privateKey,
  };
}

/** Claims of a token; undefined leaves one out. */
export type Claims = Record<string, unknown>;

export const keySet = (...keys: SigningKey[]): string => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });

export const signToken = (key: SigningKey, claims: Claims, header: Record<string, string> = {}): Promise<string> =>
  new SignJWT(claims as JWTPayload)
    .setProtectedHeader({ alg: key.jwk.alg ?? "", kid: key.kid, typ: "at+jwt", ...header })
    .sign(key.privateKey);

/** A token whose header and signature an attacker chose. */
export function forgeToken(header: object, claims: Claims, sign: (input: string) => Buffer): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${sign(input).toString("base64url")}`;
}

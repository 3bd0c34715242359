import { createHmac } from "node:crypto";
import { Fault } from "@plinth/kernel";
import { createFakeClock } from "@plinth/testing";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type AccessTokenVerifier, createAccessTokenVerifier, createKeySet } from "../src/index.ts";
import { type Claims, createSigningKey, forgeToken, keySet, type SigningKey, signToken } from "./signing-key.ts";

const startS = 1_700_000_000;
const claims: Claims = {
  iss: "https://issuer.example",
  aud: "plinth",
  sub: "user:u-1",
  sid: "s-1",
  iat: startS,
  exp: startS + 300,
};
let eddsa: SigningKey;
let es256: SigningKey;
let foreign: SigningKey;
let otherAlgorithm: SigningKey;

beforeAll(async () => {
  eddsa = await createSigningKey("k1", "EdDSA");
  es256 = await createSigningKey("k2", "ES256");
  foreign = await createSigningKey("k1", "EdDSA");
  otherAlgorithm = await createSigningKey("k4", "ES384");
});

let clock = createFakeClock(startS * 1000);
let published: () => string;
let fetches = 0;
let verifier: AccessTokenVerifier;

beforeEach(() => {
  clock = createFakeClock(startS * 1000);
  published = () => keySet(eddsa, es256, otherAlgorithm);
  fetches = 0;
  verifier = createAccessTokenVerifier({
    keys: createKeySet({
      async fetch() {
        fetches++;
        return published();
      },
      clock,
    }),
    issuer: "https://issuer.example",
    audience: "plinth",
    clock,
  });
});

/** "ok", or the code and reason of the fault. */
const outcome = (token: string): Promise<string> =>
  verifier.verify(token).then(
    () => "ok",
    (err: unknown) => {
      expect(err).toBeInstanceOf(Fault);
      return `${(err as Fault).code} ${(err as Fault).reason}`;
    },
  );

describe("good tokens", () => {
  test("of a user carry user and session", async () => {
    expect(await verifier.verify(await signToken(eddsa, claims))).toEqual({
      principal: { kind: "user", userId: "u-1", sessionId: "s-1" },
      expiresAt: startS + 300,
    });
  });

  test("of a service account carry its name; the second algorithm works as well", async () => {
    const token = await signToken(es256, { ...claims, sub: "service:reporter", sid: undefined });
    expect((await verifier.verify(token)).principal).toEqual({ kind: "service", name: "reporter" });
  });

  test("with several audiences are taken when ours is among them", async () => {
    expect(await outcome(await signToken(eddsa, { ...claims, aud: ["other", "plinth"] }))).toBe("ok");
  });
});

describe("forged tokens", () => {
  const header = { alg: "HS256", kid: "k1", typ: "at+jwt" };
  const hmac = (secret: string) => (input: string) => createHmac("sha256", secret).update(input).digest();
  const empty = () => Buffer.alloc(0);

  test.each(["none", "None", "NONE", ""])("algorithm %o", async (alg) => {
    expect(await outcome(forgeToken({ ...header, alg }, claims, empty))).toBe("unauthenticated TOKEN_INVALID");
  });

  test("HS256 with the public key as its secret, in every form an attacker has", async () => {
    for (const secret of [eddsa.publicPem, JSON.stringify(eddsa.jwk), eddsa.jwk.x ?? ""]) {
      expect(await outcome(forgeToken(header, claims, hmac(secret)))).toBe("unauthenticated TOKEN_INVALID");
    }
  });

  test("a key that the token brings along", async () => {
    const token = await signToken(foreign, claims, { jwk: foreign.jwk as never, jku: "https://evil.example/jwks" });
    expect(await outcome(token)).toBe("unauthenticated TOKEN_INVALID");
  });

  test("another key under a known key id", async () => {
    expect(await outcome(await signToken(foreign, claims))).toBe("unauthenticated TOKEN_INVALID");
  });

  test("a signature by another key of the set", async () => {
    expect(await outcome(await signToken({ ...eddsa, kid: "k2" }, claims))).toBe("unauthenticated TOKEN_INVALID");
  });

  test("an algorithm outside the allow list, although its key is in the set", async () => {
    expect(await outcome(await signToken(otherAlgorithm, claims))).toBe("unauthenticated TOKEN_INVALID");
  });

  test("changed claims", async () => {
    const [head, , signature] = (await signToken(eddsa, claims)).split(".");
    const payload = Buffer.from(JSON.stringify({ ...claims, sub: "user:admin" })).toString("base64url");
    expect(await outcome(`${head}.${payload}.${signature}`)).toBe("unauthenticated TOKEN_INVALID");
  });

  test("another key id", async () => {
    expect(await outcome(await signToken({ ...foreign, kid: "k9" }, claims))).toBe("unauthenticated TOKEN_INVALID");
  });
});

describe("tokens that are not meant for us", () => {
  test.each<[string, Claims]>([
    ["issuer", { iss: "https://issuer.example.evil" }],
    ["issuer missing", { iss: undefined }],
    ["audience", { aud: "another-product" }],
    ["audience missing", { aud: undefined }],
    ["subject missing", { sub: undefined }],
    ["subject of an unknown kind", { sub: "robot:1" }],
    ["subject without a kind", { sub: "u-1" }],
    ["subject without an id", { sub: "user:" }],
    ["time of issue missing", { iat: undefined }],
    ["expiry missing", { exp: undefined }],
    ["not valid yet", { nbf: startS + 60 }],
  ])("%s", async (_, changed) => {
    expect(await outcome(await signToken(eddsa, { ...claims, ...changed }))).toBe("unauthenticated TOKEN_INVALID");
  });

  test.each(["JWT", "id+jwt", "application/secevent+jwt"])("type %s", async (typ) => {
    expect(await outcome(await signToken(eddsa, claims, { typ }))).toBe("unauthenticated TOKEN_INVALID");
  });

  test.each(["", "a", "a.b.c", "..", "e30.e30.e30", "x".repeat(8_000)])("%o is no token at all", async (token) => {
    expect(await outcome(token)).toMatch(/^unauthenticated TOKEN_(MALFORMED|INVALID)$/);
  });
});

describe("expiry", () => {
  test("allows clocks to differ by seconds, not by a minute, for a fresh and for a remembered token", async () => {
    const remembered = await signToken(eddsa, claims);
    const fresh = await signToken(eddsa, { ...claims, jti: "fresh" });
    expect(await outcome(remembered)).toBe("ok");
    clock.advance(304_000);
    expect(await outcome(remembered)).toBe("ok");
    expect(await outcome(fresh)).toBe("ok");
    clock.advance(56_000);
    expect(await outcome(remembered)).toBe("unauthenticated TOKEN_EXPIRED");
    expect(await outcome(await signToken(eddsa, { ...claims, jti: "late" }))).toBe("unauthenticated TOKEN_EXPIRED");
  });

  test("an expired token stays expired", async () => {
    const token = await signToken(eddsa, claims);
    await verifier.verify(token);
    clock.advance(400_000);
    expect(await outcome(token)).toBe("unauthenticated TOKEN_EXPIRED");
    expect(await outcome(token)).toBe("unauthenticated TOKEN_EXPIRED");
  });
});

describe("keys", () => {
  test("are fetched once for many tokens at a time", async () => {
    const tokens = await Promise.all([1, 2, 3, 4].map((n) => signToken(eddsa, { ...claims, jti: String(n) })));
    expect(await Promise.all(tokens.map(outcome))).toEqual(["ok", "ok", "ok", "ok"]);
    expect(fetches).toBe(1);
  });

  test("a rotated key is found at once", async () => {
    const rotated = await createSigningKey("k5", "EdDSA");
    expect(await outcome(await signToken(eddsa, claims))).toBe("ok");
    published = () => keySet(eddsa, rotated);
    expect(await outcome(await signToken(rotated, claims))).toBe("ok");
    expect(fetches).toBe(2);
  });

  test("unknown key ids cause at most one fetch in 5 s", async () => {
    const forged = (n: number) => signToken({ ...foreign, kid: `forged-${n}` }, claims);
    expect(await outcome(await signToken(eddsa, claims))).toBe("ok");
    for (let n = 0; n < 20; n++) expect(await outcome(await forged(n))).toBe("unauthenticated TOKEN_INVALID");
    expect(fetches).toBe(2);
    clock.advance(5_000);
    expect(await outcome(await forged(99))).toBe("unauthenticated TOKEN_INVALID");
    expect(fetches).toBe(3);
  });

  test("old keys are refreshed in the background while tokens go on being verified", async () => {
    const signed = (jti: string) => signToken(eddsa, { ...claims, jti, exp: startS + 10_000 });
    expect(await outcome(await signed("1"))).toBe("ok");
    clock.advance(300_001);
    published = () => {
      throw new Error("the auth service is away");
    };
    expect(await outcome(await signed("2"))).toBe("ok");
    expect(fetches).toBe(2);
  });

  test("a withdrawn key is refused once the set has been refreshed", async () => {
    const signed = (jti: string) => signToken(eddsa, { ...claims, jti, exp: startS + 10_000 });
    const remembered = await signed("1");
    expect(await outcome(remembered)).toBe("ok");
    published = () => keySet(es256);
    clock.advance(300_001);
    await outcome(await signed("2")); // starts the refresh
    expect(await outcome(await signed("3"))).toBe("unauthenticated TOKEN_INVALID");
    expect(await outcome(remembered), "remembered from before").toBe("unauthenticated TOKEN_INVALID");
  });

  test.each([
    ["cannot be fetched", () => Promise.reject(new Error("connect ECONNREFUSED 10.0.0.7:8080")) as never],
    ["are not JSON", () => "<html>"],
    ["are no key set", () => "{}"],
  ])("that %s: unavailable with a retry hint, and nothing internal in the message", async (_, broken) => {
    published = broken;
    const token = await signToken(eddsa, claims);
    const fault = (await verifier.verify(token).catch((err: unknown) => err)) as Fault;
    expect(fault).toMatchObject({ code: "unavailable", reason: "KEYS_UNAVAILABLE", retryAfterMs: 1_000 });
    expect(fault.message).not.toMatch(/ECONNREFUSED|JSON|html/);
    published = () => keySet(eddsa);
    expect(await outcome(token)).toBe("ok");
  });
});

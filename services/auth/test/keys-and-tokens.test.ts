import { randomBytes } from "node:crypto";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { describe, expect, test } from "vitest";
import { bearer, client, codeOf, manager, managerToken, service, signIn, useAuthService } from "./auth-fixture.ts";

useAuthService();

describe("signing keys", () => {
  test("rotation: new tokens use the key that was published ahead, old tokens stay good", async () => {
    const before = await signIn();
    const boss = await managerToken();
    const published = JSON.parse((await (await client()).getJwks({})).jwksJson).keys.map((k: { kid: string }) => k.kid);
    const { kid } = await (await client(boss)).rotateSigningKey({});
    expect(published).toContain(kid);
    const after = await signIn();
    expect(decodeProtectedHeader(after.accessToken).kid).toBe(kid);
    const keys = createLocalJWKSet(JSON.parse((await (await client()).getJwks({})).jwksJson));
    for (const token of [before.accessToken, after.accessToken])
      await expect(jwtVerify(token, keys)).resolves.toBeDefined();
    expect((await (await client(boss)).introspectToken({ token: before.accessToken })).active).toBe(true);
  });

  test("private keys are not readable in the database", async () => {
    const dump = JSON.stringify(
      await service.database.admin(
        "SELECT public_jwk, encode(sealed_private_jwk, 'escape') AS sealed FROM auth.signing_key",
      ),
    );
    expect(dump).not.toContain('\\"d\\"');
    expect(dump).not.toContain('"d":');
  });

  test("another data key is refused at start with the reason", async () => {
    const { createKeyRing } = await import("../src/keys/key-ring.ts");
    const { createDatabase } = await import("@plinth/postgres");
    const database = createDatabase({
      url: service.database.url,
      applicationName: "t",
      logger: silentLogger,
      clock: systemClock,
    });
    const ring = createKeyRing({
      database,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      dataKey: () => randomBytes(32),
      rotationMs: 1e9,
      overlapMs: 1e6,
    });
    await expect(ring.start?.()).rejects.toThrow("signing_key and data_key were not written by the same platform");
    await database.stop?.(AbortSignal.timeout(1_000));
  });
});

describe("forged access tokens", () => {
  test.each([
    [
      "alg none",
      (t: string) => `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url")}.${t.split(".")[1]}.`,
    ],
    [
      "a changed payload",
      (t: string) =>
        t.replace(
          /\.[^.]+\./,
          `.${Buffer.from(JSON.stringify({ ...decodeJwt(t), sub: `user:${manager}` })).toString("base64url")}.`,
        ),
    ],
    ["a cut signature", (t: string) => t.slice(0, -10)],
    ["no JWT", () => "abc"],
  ])("%s is refused", async (_, forge) => {
    const { accessToken } = await signIn();
    expect(await codeOf((await client(bearer(forge(accessToken)))).listSessions({}))).toBe("Unauthenticated");
  });

  test("a token of another issuer's key is refused", async () => {
    expect(await codeOf((await client({ userId: manager })).listSessions({}))).toBe("Unauthenticated");
  });
});

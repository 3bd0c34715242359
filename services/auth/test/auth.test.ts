import { randomBytes } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { createPostgresBus } from "@plinth/bus";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import { PasswordChangedSchema, UserDeletedSchema, UserUpdatedSchema } from "@plinth/proto/plinth/identity/v1/events";
import { IdentityService, UserState } from "@plinth/proto/plinth/identity/v1/identity";
import { eventually } from "@plinth/testing";
import { type As, partialService, type ServiceFixture, startService } from "@plinth/testing/service";
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { auth } from "../src/app.ts";

const manager = "01920000-0000-7000-8000-00000000ad31";
const password = "walnut ferry oblique";
/** E-mail address to id; the peer that stands in for identity knows them. */
const users = new Map<string, string>();
let service: ServiceFixture;

beforeAll(async () => {
  service = await startService({
    definition: auth,
    migrations: `${import.meta.dirname}/../migrations`,
    env: { PLINTH_AUTH_KEY_ENCRYPTION_KEY: randomBytes(32).toString("base64"), PLINTH_AUTH_REPLAY_WINDOW: "500ms" },
    permissions: (subject) => subject === `user:${manager}`,
    peers: [
      partialService(IdentityService, {
        verifyPassword: async (request: { email: string; password: string }) => {
          const id = users.get(request.email);
          return id && request.password === password ? { user: { id, email: request.email } } : {};
        },
      }),
    ],
  });
});
afterAll(() => service.stop());

const client = (as: As = {}) => service.client(AuthService, as);
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (err: unknown) => (err instanceof ConnectError ? Code[err.code] : err),
  );
const from = (address: string): As => ({ workload: "gateway", headers: { "x-plinth-client-address": address } });
let counter = 0;
const freshAddress = () => `198.51.100.${++counter % 250}-${counter}`;

/** The service verifies with its own keys: callers bring tokens that it issued. */
const bearer = (accessToken: string): As => ({ headers: { authorization: `Bearer ${accessToken}` } });

function newUser(): { id: string; email: string } {
  const id = systemRandom.uuidv7(Date.now());
  const email = `user${++counter}@test.example`;
  users.set(email, id);
  return { id, email };
}

async function signIn(user = newUser()) {
  const tokens = await (await client(from(freshAddress()))).login({ email: user.email, password, deviceName: "test" });
  return { ...user, ...tokens };
}

async function managerToken(): Promise<As> {
  users.set("manager@test.example", manager);
  return bearer(
    (await (await client(from(freshAddress()))).login({ email: "manager@test.example", password })).accessToken,
  );
}

async function serviceToken(as: As, serviceName = "robot") {
  const { credential, clientSecret } = await (await client(as)).createServiceCredential({ serviceName });
  return { clientId: credential?.clientId ?? "", clientSecret };
}

const eventsOf = async (subject: string) =>
  (await service.published("auth.session.v1"))
    .filter((e) => e.subject.startsWith(subject))
    .map((e) => e.type.split(".").at(-1));

describe("access", () => {
  const id = "01920000-0000-7000-8000-000000000000";
  type C = Awaited<ReturnType<typeof client>>;
  const publicCalls = {
    login: (c: C) => c.login({ email: "x@y.example", password: "x" }),
    refresh: (c: C) => c.refresh({ refreshToken: "x" }),
    logout: (c: C) => c.logout({ refreshToken: "x" }),
    issueServiceToken: (c: C) => c.issueServiceToken({ clientId: "x", clientSecret: "x" }),
    getJwks: (c: C) => c.getJwks({}),
  };
  const guarded = {
    introspectToken: (c: C) => c.introspectToken({ token: "x" }),
    listSessions: (c: C) => c.listSessions({ userId: id }),
    revokeSession: (c: C) => c.revokeSession({ sessionId: id }),
    revokeAllSessions: (c: C) => c.revokeAllSessions({ userId: id }),
    createServiceCredential: (c: C) => c.createServiceCredential({ serviceName: "x" }),
    listServiceCredentials: (c: C) => c.listServiceCredentials({}),
    revokeServiceCredential: (c: C) => c.revokeServiceCredential({ clientId: "x" }),
    rotateSigningKey: (c: C) => c.rotateSigningKey({}),
  };

  test("every RPC is covered here", () => {
    expect(Object.keys({ ...publicCalls, ...guarded }).sort()).toEqual(Object.keys(AuthService.method).sort());
  });

  test.each(Object.entries(guarded))("%s needs credentials", async (_, call) => {
    expect(await codeOf(call(await client()))).toBe("Unauthenticated");
  });

  test.each(Object.entries(guarded).filter(([name]) => !["introspectToken", "revokeSession"].includes(name)))(
    "%s refuses others",
    async (_, call) => {
      expect(await codeOf(call(await client(bearer((await signIn()).accessToken))))).toBe("PermissionDenied");
    },
  );
});

describe("Login", () => {
  test("issues a token of RFC 9068 that verifies with the published keys", async () => {
    const user = await signIn();
    const { jwksJson } = await (await client()).getJwks({});
    const { payload, protectedHeader } = await jwtVerify(user.accessToken, createLocalJWKSet(JSON.parse(jwksJson)), {
      issuer: "plinth",
      audience: "plinth",
      typ: "at+jwt",
    });
    expect(payload).toMatchObject({
      sub: `user:${user.id}`,
      sid: user.sessionId,
      client_id: "plinth",
      exp: (payload.iat ?? 0) + 300,
    });
    expect(protectedHeader.alg).toBe("EdDSA");
    expect(user).toMatchObject({ tokenType: "Bearer", expiresIn: 300 });
    await eventually(async () => expect(await eventsOf(`users/${user.id}`)).toEqual(["LoginSucceeded"]));
  });

  test("wrong password and unknown user get the same answer, and both are reported without the address", async () => {
    const { email } = newUser();
    const answers = await Promise.all(
      [email, "nobody@test.example"].map(async (e) =>
        (await client(from(freshAddress())))
          .login({ email: e, password: "wrong" })
          .catch((err: ConnectError) => [err.code, err.message]),
      ),
    );
    expect(answers[0]).toEqual(answers[1]);
    await eventually(async () => {
      const failed = (await service.published("auth.session.v1")).filter((e) => e.type.endsWith("LoginFailed"));
      expect(failed.length).toBeGreaterThanOrEqual(2);
      expect(failed.map((e) => e.data.toString("latin1")).join()).not.toContain("@test.example");
    });
  });

  test("keys are published over plain HTTP as well", async () => {
    const response = await fetch(`${service.baseUrl}/.well-known/jwks.json`);
    expect(response.headers.get("content-type")).toBe("application/jwk-set+json");
    const { keys } = (await response.json()) as { keys: { d?: string }[] };
    expect(keys.length).toBeGreaterThanOrEqual(2);
    expect(keys.every((key) => key.d === undefined)).toBe(true);
  });
});

describe("Refresh", () => {
  const exchange = async (refreshToken: string, userAgent = "app/1") =>
    (await client({ headers: { "user-agent": userAgent } })).refresh({ refreshToken });

  test("rotates: the new token works and belongs to the same session", async () => {
    const user = await signIn();
    const second = await exchange(user.refreshToken);
    const third = await exchange(second.refreshToken);
    expect(new Set([user.refreshToken, second.refreshToken, third.refreshToken]).size).toBe(3);
    expect([second.sessionId, third.sessionId]).toEqual([user.sessionId, user.sessionId]);
  });

  test("many requests at once with one token all get the same successor", async () => {
    const user = await signIn();
    const answers = await Promise.all(Array.from({ length: 8 }, () => exchange(user.refreshToken)));
    expect(new Set(answers.map((a) => a.refreshToken)).size).toBe(1);
    expect(await codeOf(exchange(answers[0]?.refreshToken ?? ""))).toBe("ok");
  });

  test("another client that shows a used token ends the session, and says so", async () => {
    const user = await signIn();
    const next = await exchange(user.refreshToken);
    expect(await codeOf(exchange(user.refreshToken, "thief/1"))).toBe("Unauthenticated");
    expect(await codeOf(exchange(next.refreshToken))).toBe("Unauthenticated");
    await eventually(async () =>
      expect(await eventsOf(`users/${user.id}`)).toEqual(["LoginSucceeded", "SessionRevoked"]),
    );
  });

  test("a used token whose successor was used as well ends the session, also inside the window", async () => {
    const user = await signIn();
    const next = await exchange(user.refreshToken);
    const last = await exchange(next.refreshToken);
    expect(await codeOf(exchange(user.refreshToken))).toBe("Unauthenticated");
    expect(await codeOf(exchange(last.refreshToken))).toBe("Unauthenticated");
  });

  test("a used token after the replay window ends the session", async () => {
    const user = await signIn();
    const next = await exchange(user.refreshToken);
    await service.database.admin(
      `UPDATE auth.refresh_token SET consume_time = consume_time - interval '1 minute' WHERE consume_time IS NOT NULL AND session_id = '${user.sessionId}'`,
    );
    expect(await codeOf(exchange(user.refreshToken))).toBe("Unauthenticated");
    expect(await codeOf(exchange(next.refreshToken))).toBe("Unauthenticated");
  });

  test("expired, unknown and SQL-looking tokens are refused alike", async () => {
    const user = await signIn();
    await service.database.admin(
      `UPDATE auth.refresh_token SET expire_time = now() - interval '1 second' WHERE session_id = '${user.sessionId}'`,
    );
    for (const token of [user.refreshToken, "plinth_rt_unknown", "' OR 1=1 --"])
      expect(await codeOf(exchange(token))).toBe("Unauthenticated");
  });

  test("the database alone gives no usable token away", async () => {
    const user = await signIn();
    const next = await exchange(user.refreshToken);
    const dump = JSON.stringify(
      await service.database.admin(
        "SELECT encode(hash, 'escape') h, encode(sealed_successor, 'escape') s FROM auth.refresh_token",
      ),
    );
    for (const token of [user.refreshToken, next.refreshToken]) expect(dump).not.toContain(token.slice(10, 30));
  });
});

describe("sessions", () => {
  test("a user sees and ends own sessions; introspection follows at once", async () => {
    const user = newUser();
    const [a, b] = [await signIn(user), await signIn(user)];
    const own = await client(bearer(a.accessToken));
    const listed = await own.listSessions({});
    expect(listed.sessions.map((s) => [s.id, s.current])).toEqual([
      [a.sessionId, true],
      [b.sessionId, false],
    ]);
    expect((await own.introspectToken({ token: b.accessToken })).active).toBe(true);
    await own.revokeSession({ sessionId: b.sessionId });
    expect(await own.introspectToken({ token: b.accessToken })).toMatchObject({ active: false, sub: "" });
    expect((await own.introspectToken({ token: b.refreshToken })).active).toBe(false);
    expect((await own.introspectToken({ token: a.refreshToken })).active).toBe(true);
    expect((await own.listSessions({})).sessions).toHaveLength(1);
  });

  test("others' sessions look as if they were not there; managers end them", async () => {
    const victim = await signIn();
    const other = await client(bearer((await signIn()).accessToken));
    expect(await codeOf(other.revokeSession({ sessionId: victim.sessionId }))).toBe("NotFound");
    const boss = await client(await managerToken());
    expect((await boss.listSessions({ userId: victim.id })).sessions).toHaveLength(1);
    expect((await boss.revokeAllSessions({ userId: victim.id })).revokedCount).toBe(1);
    expect(await codeOf((await client()).refresh({ refreshToken: victim.refreshToken }))).toBe("Unauthenticated");
  });

  test("logout ends the session, twice is fine, and keep_current keeps it", async () => {
    const user = newUser();
    const [a, b] = [await signIn(user), await signIn(user)];
    const anyone = await client();
    await anyone.logout({ refreshToken: a.refreshToken });
    await anyone.logout({ refreshToken: a.refreshToken });
    expect(await codeOf(anyone.refresh({ refreshToken: a.refreshToken }))).toBe("Unauthenticated");
    await signIn(user);
    expect((await (await client(bearer(b.accessToken))).revokeAllSessions({ keepCurrent: true })).revokedCount).toBe(1);
    expect(await codeOf(anyone.refresh({ refreshToken: b.refreshToken }))).toBe("ok");
  });

  test("paging", async () => {
    const user = newUser();
    const signedIn = [await signIn(user), await signIn(user), await signIn(user)];
    const own = await client(bearer(signedIn[0]?.accessToken ?? ""));
    const first = await own.listSessions({ pageSize: 2 });
    const second = await own.listSessions({ pageSize: 2, pageToken: first.nextPageToken });
    expect([...first.sessions, ...second.sessions].map((s) => s.id)).toEqual(signedIn.map((s) => s.sessionId));
    expect(await codeOf(own.listSessions({ pageToken: "nonsense" }))).toBe("InvalidArgument");
  });
});

describe("identity's events", () => {
  async function publish(subjectId: string, type: string, data: Uint8Array): Promise<void> {
    const url = new URL(service.database.url);
    url.searchParams.set("options", "-c search_path=plinth_bus");
    const bus = createPostgresBus({
      url: url.href,
      applicationName: "test",
      logger: silentLogger,
      clock: systemClock,
      random: systemRandom,
    });
    const message = {
      id: systemRandom.uuidv7(Date.now()),
      source: "identity",
      subject: `users/${subjectId}`,
      time: new Date(),
      topic: "identity.user.v1",
      key: subjectId,
      actor: "user:admin",
      requestId: "r",
      traceparent: undefined,
    };
    await bus.publish([{ ...message, type, data }]);
    await bus.stop?.(AbortSignal.timeout(1_000));
  }
  const alive = async (token: string) => (await (await client(await managerToken())).introspectToken({ token })).active;

  test.each([
    ["disabled", UserUpdatedSchema, { state: UserState.DISABLED }],
    ["deleted", UserDeletedSchema, {}],
  ] as const)("a %s user has no sessions", async (_, schema, fields) => {
    const user = await signIn();
    await publish(
      user.id,
      schema.typeName,
      toBinary(
        schema as typeof UserUpdatedSchema,
        create(schema as typeof UserUpdatedSchema, { ...fields, userId: user.id }),
      ),
    );
    await eventually(async () => expect(await alive(user.refreshToken)).toBe(false));
  });

  test("a changed password ends the others", async () => {
    const user = newUser();
    const [kept, other] = [await signIn(user), await signIn(user)];
    await publish(
      user.id,
      PasswordChangedSchema.typeName,
      toBinary(
        PasswordChangedSchema,
        create(PasswordChangedSchema, { userId: user.id, keptSessionId: kept.sessionId }),
      ),
    );
    await eventually(async () => expect(await alive(other.refreshToken)).toBe(false));
    expect(await alive(kept.refreshToken)).toBe(true);
  });
});

describe("service credentials", () => {
  test("give tokens for the service's name until revoked; the secret is shown once", async () => {
    const boss = await managerToken();
    const credential = await serviceToken(boss);
    const { accessToken } = await (await client()).issueServiceToken(credential);
    expect(decodeJwt(accessToken)).toMatchObject({ sub: "service:robot", client_id: credential.clientId });
    expect(await (await client(boss)).introspectToken({ token: accessToken })).toMatchObject({
      active: true,
      sub: "service:robot",
    });
    const listed = await (await client(boss)).listServiceCredentials({});
    expect(JSON.stringify(listed, (_, v) => (typeof v === "bigint" ? String(v) : v))).not.toContain(
      credential.clientSecret,
    );
    expect(listed.credentials.map((c) => c.clientId)).toContain(credential.clientId);
    await (await client(boss)).revokeServiceCredential({ clientId: credential.clientId });
    expect(await codeOf((await client()).issueServiceToken(credential))).toBe("Unauthenticated");
  });

  test("wrong secrets, unknown clients and expired credentials are refused alike", async () => {
    const credential = await serviceToken(await managerToken());
    const issue = async (c: object) => codeOf((await client()).issueServiceToken({ ...credential, ...c }));
    expect(await issue({ clientSecret: "guess" })).toBe("Unauthenticated");
    expect(await issue({ clientId: "unknown" })).toBe("Unauthenticated");
    await service.database.admin(
      `UPDATE auth.service_credential SET expire_time = now() - interval '1 second' WHERE client_id = '${credential.clientId}'`,
    );
    expect(await issue({})).toBe("Unauthenticated");
  });

  test.each(["auth", "plinth-cli", "gateway"])("cannot be made for the platform's own name %s", async (name) => {
    expect(await codeOf(serviceToken(await managerToken(), name))).toBe("InvalidArgument");
  });
});

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

  test("another encryption key is refused at start with the reason", async () => {
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
      encryptionKey: randomBytes(32),
      rotationMs: 1e9,
      overlapMs: 1e6,
    });
    await expect(ring.start?.()).rejects.toThrow("PLINTH_AUTH_KEY_ENCRYPTION_KEY is not the one");
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

describe("guessing", () => {
  const guess = async (email: string, address: string, secret = "wrong") =>
    (await client(from(address))).login({ email, password: secret });

  test("is slowed per account and address, with the time to wait; parallel guesses count", async () => {
    const { email } = newUser();
    const address = freshAddress();
    const codes = await Promise.all(Array.from({ length: 12 }, () => codeOf(guess(email, address))));
    expect(codes.filter((code) => code === "Unauthenticated").length).toBeLessThanOrEqual(5);
    const refusal = await guess(email, address, password).catch((err: ConnectError) => err);
    expect([(refusal as ConnectError).code, Number((refusal as ConnectError).metadata.get("retry-after")) > 0]).toEqual(
      [Code.ResourceExhausted, true],
    );
    await eventually(async () => {
      const throttled = (await service.published("auth.session.v1")).filter((e) =>
        e.data.toString("latin1").includes("throttled"),
      );
      expect(throttled.length).toBeGreaterThan(0);
    });
  });

  test("from many addresses does not lock out the owner", async () => {
    const user = newUser();
    const home = freshAddress();
    await guess(user.email, home, password);
    const codes: unknown[] = [];
    for (let i = 0; i < 60; i++) codes.push(await codeOf(guess(user.email, freshAddress())));
    expect(codes.at(-1)).toBe("ResourceExhausted");
    expect(await codeOf(guess(user.email, home, password))).toBe("ok");
  });

  test("one address that tries many accounts is stopped", async () => {
    const address = freshAddress();
    const codes: unknown[] = [];
    for (let i = 0; i < 102; i++) codes.push(await codeOf(guess(`target${i}@test.example`, address)));
    expect([codes[0], codes.at(-1)]).toEqual(["Unauthenticated", "ResourceExhausted"]);
  });

  test("an office behind one address signs in as often as it likes", async () => {
    const address = freshAddress();
    const { email } = newUser();
    for (let i = 0; i < 105; i++) expect(await codeOf(guess(email, address, password))).toBe("ok");
  });
});

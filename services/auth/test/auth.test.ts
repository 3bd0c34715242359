import { type DescMessage, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import {
  PasswordChangedSchema,
  UserDataErasedSchema,
  UserDeletedSchema,
  UserErasedSchema,
  UserUpdatedSchema,
} from "@plinth/proto/plinth/identity/v1/events";
import { UserState } from "@plinth/proto/plinth/identity/v1/identity";
import { eventually } from "@plinth/testing";
import { createLocalJWKSet, decodeJwt, jwtVerify } from "jose";
import { describe, expect, test } from "vitest";
import {
  bearer,
  client,
  codeOf,
  eventsOf,
  freshAddress,
  from,
  managerToken,
  newUser,
  service,
  serviceToken,
  signIn,
  useAuthService,
} from "./auth-fixture.ts";

useAuthService();

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
  const publish = <D extends DescMessage>(key: string, schema: D, message: MessageInitShape<D>): Promise<string> =>
    service.publish({ source: "identity", topic: "identity.user.v1", key, schema, message });
  const alive = async (token: string) => (await (await client(await managerToken())).introspectToken({ token })).active;

  test.each([
    ["disabled", UserUpdatedSchema, { state: UserState.DISABLED }],
    ["deleted", UserDeletedSchema, {}],
  ] as const)("a %s user has no sessions", async (_, schema, fields) => {
    const user = await signIn();
    await publish(user.id, schema as typeof UserUpdatedSchema, { ...fields, userId: user.id });
    await eventually(async () => expect(await alive(user.refreshToken)).toBe(false));
  });

  test("a changed password ends the others", async () => {
    const user = newUser();
    const [kept, other] = [await signIn(user), await signIn(user)];
    await publish(user.id, PasswordChangedSchema, { userId: user.id, keptSessionId: kept.sessionId });
    await eventually(async () => expect(await alive(other.refreshToken)).toBe(false));
    expect(await alive(kept.refreshToken)).toBe(true);
  });

  test("nothing is left of an erased user's sessions, and identity is told so once", async () => {
    const user = newUser();
    const signedIn = [await signIn(user), await signIn(user)];
    const other = await signIn();
    // Somebody else's word is not identity's.
    const erased = { topic: "identity.user.v1", key: user.id, schema: UserErasedSchema, message: { userId: user.id } };
    await service.publish({ ...erased, source: "notes" });
    // Of the same key, hence after it.
    const next = await signIn();
    await publish(user.id, UserDeletedSchema, { userId: next.id });
    await eventually(async () => expect(await alive(next.refreshToken)).toBe(false));
    expect(await alive(signedIn[0]?.refreshToken ?? "")).toBe(true);
    const id = await service.publish({ ...erased, source: "identity" });
    await service.publish({ ...erased, source: "identity", id });
    const sessions = () => service.database.admin(`SELECT * FROM auth.session WHERE user_id = '${user.id}'`);
    await eventually(async () => expect(await sessions()).toEqual([]));
    expect(await alive(signedIn[0]?.refreshToken ?? "")).toBe(false);
    expect(await alive(other.refreshToken)).toBe(true);
    await eventually(async () => {
      const told = await service.published("identity.erasure.v1");
      expect(told.map(({ data }) => fromBinary(UserDataErasedSchema, data))).toEqual([
        expect.objectContaining({ userId: user.id, removed: { sessions: 2n } }),
      ]);
    });
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

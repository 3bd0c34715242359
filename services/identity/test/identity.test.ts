import { pbkdf2Sync, scryptSync } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { AccessDeniedSchema } from "@plinth/proto/plinth/audit/v1/events";
import { UserUpdatedSchema } from "@plinth/proto/plinth/identity/v1/events";
import { type IdentityService, UserState } from "@plinth/proto/plinth/identity/v1/identity";
import { eventually } from "@plinth/testing";
import bcrypt from "bcryptjs";
import { describe, expect, test } from "vitest";
import {
  admin,
  client,
  codeOf,
  create,
  freshEmail,
  good,
  nobody,
  reader,
  service,
  useIdentityService,
  verify,
} from "./identity-fixture.ts";

useIdentityService();

describe("access", () => {
  const calls = {
    createUser: (c) => c.createUser({ email: "a@b.example" }),
    getUser: (c) => c.getUser({ id: admin }),
    listUsers: (c) => c.listUsers({}),
    updateUser: (c) => c.updateUser({ id: nobody, updateMask: { paths: ["state"] } }),
    deleteUser: (c) => c.deleteUser({ id: nobody }),
    restoreUser: (c) => c.restoreUser({ id: nobody }),
    eraseUser: (c) => c.eraseUser({ id: nobody }),
    getUserErasure: (c) => c.getUserErasure({ id: nobody }),
    setPassword: (c) => c.setPassword({ id: nobody, password: good }),
    changePassword: (c) => c.changePassword({ currentPassword: "x", newPassword: good }),
    verifyPassword: (c) => c.verifyPassword({ email: "a@b.example", password: "x" }),
    importUsers: (c) => c.importUsers({ users: [{ email: "a@b.example" }] }),
  } satisfies Record<keyof typeof IdentityService.method, (c: Awaited<ReturnType<typeof client>>) => Promise<unknown>>;

  test.each(Object.entries(calls))("%s needs credentials", async (_, call) => {
    expect(await codeOf(call(await client({})))).toBe("Unauthenticated");
  });

  test.each(Object.entries(calls).filter(([name]) => name !== "changePassword"))(
    "%s refuses a user without the permission",
    async (_, call) => {
      expect(await codeOf(call(await client({ userId: nobody })))).toBe("PermissionDenied");
    },
  );

  test("VerifyPassword is for auth alone, ChangePassword for users alone", async () => {
    for (const as of [{ userId: admin }, { workload: "notes" }])
      expect(await codeOf(calls.verifyPassword(await client(as)))).toBe("PermissionDenied");
    expect(await codeOf(calls.changePassword(await client({ workload: "notes" })))).toBe("PermissionDenied");
  });

  test("a refusal is told to the audit log, once for all of a minute", async () => {
    const stranger = "01920000-0000-7000-8000-00000000cafe";
    const c = await client({ userId: stranger });
    for (let n = 0; n < 3; n++) expect(await codeOf(c.deleteUser({ id: nobody }))).toBe("PermissionDenied");
    await eventually(async () => {
      const told = (await service.published("audit.denial.v1")).filter(({ actor }) => actor === `user:${stranger}`);
      expect(told.map(({ subject, data }) => [subject, fromBinary(AccessDeniedSchema, data).count])).toEqual([
        ["rpcs/plinth.identity.v1.IdentityService/DeleteUser", 1n],
      ]);
    });
  });

  test("users read themselves, readers read everybody and change nobody", async () => {
    const user = await create();
    expect((await (await client({ userId: user.id })).getUser({ id: user.id })).email).toBe(user.email);
    expect((await (await client({ userId: reader })).getUser({ id: user.id })).email).toBe(user.email);
    expect(await codeOf((await client({ userId: reader })).deleteUser({ id: user.id }))).toBe("PermissionDenied");
  });
});

describe("CreateUser", () => {
  test("returns the user, without a trace of the password, and publishes the fact once", async () => {
    const user = await create({
      email: "Ada@Example.example",
      displayName: "Ada",
      password: good,
      attributes: { team: "engines" },
    });
    expect(user).toMatchObject({
      email: "Ada@Example.example",
      displayName: "Ada",
      state: UserState.ACTIVE,
      hasPassword: true,
      attributes: { team: "engines" },
      etag: '"1"',
    });
    await eventually(async () =>
      expect(
        (await service.published("identity.user.v1")).filter((e) => e.subject === `users/${user.id}`),
      ).toHaveLength(1),
    );
    const [event] = (await service.published("identity.user.v1")).filter((e) => e.subject === `users/${user.id}`);
    expect(event).toMatchObject({ type: "plinth.identity.v1.UserCreated", actor: `user:${admin}` });
    expect(event?.data.toString("latin1")).not.toContain(good);
    expect(
      JSON.stringify(await service.database.admin(`SELECT * FROM identity.users WHERE id = '${user.id}'`)),
    ).not.toContain(good);
  });

  test("the same address in another case is taken", async () => {
    const user = await create();
    expect(await codeOf(create({ email: user.email.toUpperCase() }))).toBe("AlreadyExists");
  });

  test("of many at once with one address exactly one succeeds", async () => {
    const email = freshEmail();
    const codes = await Promise.all(Array.from({ length: 8 }, () => codeOf(create({ email }))));
    expect(codes.filter((code) => code === "ok")).toHaveLength(1);
    expect(codes.filter((code) => code === "AlreadyExists")).toHaveLength(7);
  });

  test.each([
    ["no address", { email: "" }],
    ["a sentence as address", { email: "not an address" }],
    ["SQL as address", { email: "'; DROP TABLE users; --" }],
    ["U+0000 in a name", { displayName: "a\u0000b" }],
    ["a weak password", { password: "password123456789" }],
    ["too many attributes", { attributes: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, "v"])) }],
  ])("refuses %s", async (_, fields) => {
    expect(await codeOf(create(fields))).toBe("InvalidArgument");
  });

  test("SQL-looking names are just names", async () => {
    const displayName = `Robert'); DROP TABLE users;--"\\`;
    expect((await create({ displayName })).displayName).toBe(displayName);
  });
});

describe("UpdateUser", () => {
  test("changes the masked fields only and raises the version", async () => {
    const user = await create({ displayName: "Before", attributes: { a: "1" } });
    const updated = await (await client()).updateUser({
      id: user.id,
      updateMask: { paths: ["display_name"] },
      displayName: "After",
      attributes: { b: "2" },
    });
    expect(updated).toMatchObject({ displayName: "After", attributes: { a: "1" }, etag: '"2"' });
  });

  test("the audit log is told what was before and after", async () => {
    const user = await create({ displayName: "Before", attributes: { a: "1" } });
    await (await client()).updateUser({
      id: user.id,
      updateMask: { paths: ["display_name", "attributes", "state"] },
      ...{ displayName: "After", attributes: { b: "2" }, state: UserState.DISABLED },
    });
    await eventually(async () => {
      const events = await service.published("identity.user.v1");
      const told = events.filter((e) => e.subject === `users/${user.id}` && e.type === UserUpdatedSchema.typeName);
      expect(told.map(({ data }) => fromBinary(UserUpdatedSchema, data).changes)).toMatchObject([
        [
          { field: "display_name", before: "Before", after: "After" },
          { field: "attributes", before: '{"a":"1"}', after: '{"b":"2"}' },
          { field: "state", before: "active", after: "disabled" },
        ],
      ]);
    });
  });

  test("a stale etag changes nothing", async () => {
    const user = await create();
    const c = await client();
    const change = { id: user.id, updateMask: { paths: ["display_name"] }, etag: user.etag };
    await c.updateUser({ ...change, displayName: "first" });
    expect(await codeOf(c.updateUser({ ...change, displayName: "second" }))).toBe("Aborted");
    expect((await c.getUser({ id: user.id })).displayName).toBe("first");
  });

  test("of concurrent updates with one etag exactly one succeeds", async () => {
    const user = await create();
    const c = await client();
    const codes = await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        codeOf(
          c.updateUser({ id: user.id, updateMask: { paths: ["display_name"] }, displayName: `n${i}`, etag: user.etag }),
        ),
      ),
    );
    expect(codes.filter((code) => code === "ok")).toHaveLength(1);
  });

  test("the same values write nothing", async () => {
    const user = await create({ displayName: "Same" });
    expect(
      (await (await client()).updateUser({ id: user.id, updateMask: { paths: ["display_name"] }, displayName: "Same" }))
        .etag,
    ).toBe(user.etag);
  });

  test.each([[[]], [["id"]], [["password_hash"]], [["email"]], [["state"]]])("refuses the mask %o", async (paths) => {
    const user = await create();
    expect(await codeOf((await client()).updateUser({ id: user.id, updateMask: { paths } }))).toBe("InvalidArgument");
  });

  test("another user's address is taken", async () => {
    const [a, b] = [await create(), await create()];
    expect(
      await codeOf((await client()).updateUser({ id: a.id, updateMask: { paths: ["email"] }, email: b.email })),
    ).toBe("AlreadyExists");
  });
});

describe("ListUsers", () => {
  test("pages in the order of creation; inserts between pages repeat and skip nobody", async () => {
    const prefix = `page${Date.now()}`;
    const add = (n: number) => create({ email: `${prefix}-${n}@test.example` });
    for (let n = 0; n < 5; n++) await add(n);
    const c = await client();
    const filter = { emailPrefix: prefix };
    const first = await c.listUsers({ pageSize: 2, filter });
    await add(5);
    const second = await c.listUsers({ pageSize: 2, filter, pageToken: first.nextPageToken });
    const third = await c.listUsers({ pageSize: 5, filter, pageToken: second.nextPageToken });
    const numbers = [first, second, third].flatMap((page) =>
      page.users.map((u) => Number(u.email.slice(prefix.length + 1).split("@")[0])),
    );
    expect([numbers, third.nextPageToken]).toEqual([[0, 1, 2, 3, 4, 5], ""]);
  });

  test("filters by address, prefix, name and state", async () => {
    const tag = `filter${Date.now()}`;
    const a = await create({ email: `${tag}.a@test.example`, displayName: `100% ${tag}` });
    const b = await create({ email: `${tag}.b@test.example`, displayName: `100x ${tag}` });
    const c = await client();
    await c.updateUser({ id: b.id, updateMask: { paths: ["state"] }, state: UserState.DISABLED });
    const ids = async (filter: object) => (await c.listUsers({ filter })).users.map((u) => u.id);
    expect(await ids({ email: a.email.toUpperCase() })).toEqual([a.id]);
    expect(await ids({ emailPrefix: tag })).toEqual([a.id, b.id]);
    expect(await ids({ displayNameContains: `100% ${tag}` })).toEqual([a.id]);
    expect(await ids({ emailPrefix: tag, state: UserState.DISABLED })).toEqual([b.id]);
    await c.deleteUser({ id: a.id });
    expect(await ids({ emailPrefix: tag })).toEqual([b.id]);
    expect(await ids({ emailPrefix: tag, state: UserState.DELETED })).toEqual([a.id]);
    expect(await ids({ email: "' OR true --" })).toEqual([]);
  });

  test("a page token of another filter is refused", async () => {
    const tag = `token${Date.now()}`;
    await create({ email: `${tag}.a@test.example` });
    await create({ email: `${tag}.b@test.example` });
    const c = await client();
    const { nextPageToken } = await c.listUsers({ pageSize: 1, filter: { emailPrefix: tag } });
    expect(await codeOf(c.listUsers({ pageSize: 1, pageToken: nextPageToken }))).toBe("InvalidArgument");
    expect(await codeOf(c.listUsers({ pageToken: "garbage" }))).toBe("InvalidArgument");
  });
});

describe("passwords", () => {
  test("right, wrong, unknown, disabled and password-less users: one kind of answer", async () => {
    const user = await create({ password: good });
    const without = await create();
    expect((await verify(user.email.toUpperCase(), good))?.id).toBe(user.id);
    expect(await verify(user.email, "wrong password, long")).toBeUndefined();
    expect(await verify("nobody@test.example", good)).toBeUndefined();
    expect(await verify(without.email, good)).toBeUndefined();
    await (await client()).updateUser({ id: user.id, updateMask: { paths: ["state"] }, state: UserState.DISABLED });
    expect(await verify(user.email, good)).toBeUndefined();
  });

  test("the whole password counts, and its Unicode form does not", async () => {
    const long = `${"zig zag kiln ".repeat(10)}end`;
    const user = await create({ password: long });
    expect(await verify(user.email, long.slice(0, -1))).toBeUndefined();
    expect(await verify(user.email, long)).toBeDefined();
    const accented = await create({ password: "café walnut oblique ferry" });
    expect(await verify(accented.email, "cafe\u0301 walnut oblique ferry")).toBeDefined();
  });

  test("ChangePassword wants the current one and tells which session stays", async () => {
    const user = await create({ password: good });
    const own = await client({ userId: user.id, sessionId: "01920000-0000-7000-8000-00000000cafe" });
    const next = "marble thicket drizzle";
    expect(await codeOf(own.changePassword({ currentPassword: "not it at all", newPassword: next }))).toBe(
      "PermissionDenied",
    );
    expect(await codeOf(own.changePassword({ currentPassword: good, newPassword: "short" }))).toBe("InvalidArgument");
    await own.changePassword({ currentPassword: good, newPassword: next });
    expect(await verify(user.email, good)).toBeUndefined();
    expect(await verify(user.email, next)).toBeDefined();
    await eventually(async () => {
      const changed = (await service.published("identity.user.v1")).filter(
        (e) => e.type.endsWith("PasswordChanged") && e.subject === `users/${user.id}`,
      );
      expect(changed.map((e) => e.data.toString("latin1"))).toEqual([expect.stringContaining("00000000cafe")]);
    });
  });

  test("SetPassword replaces it", async () => {
    const user = await create({ password: good });
    await (await client()).setPassword({ id: user.id, password: "marble thicket drizzle" });
    expect(await verify(user.email, "marble thicket drizzle")).toBeDefined();
    expect(await codeOf((await client()).setPassword({ id: nobody, password: good }))).toBe("NotFound");
  });
});

describe("ImportUsers", () => {
  const salt = Buffer.from("0123456789abcdef");
  const formats: [string, () => string][] = [
    ["bcrypt", () => bcrypt.hashSync(good, 4)],
    ["bcrypt with the old prefix", () => bcrypt.hashSync(good, 4).replace("$2b$", "$2a$")],
    [
      "scrypt",
      () =>
        `$scrypt$ln=10,r=8,p=1$${salt.toString("base64")}$${scryptSync(good, salt, 32, { N: 1024, r: 8, p: 1 }).toString("base64")}`,
    ],
    [
      "pbkdf2",
      () =>
        `$pbkdf2-sha256$i=1000$${salt.toString("base64")}$${pbkdf2Sync(good, salt, 1000, 32, "sha256").toString("base64")}`,
    ],
  ];

  test.each(formats)("%s verifies and is made anew at the first sign-in", async (_, hash) => {
    const email = freshEmail();
    const { results } = await (await client()).importUsers({
      users: [{ email, displayName: "Imported", passwordHash: hash() }],
    });
    const id = results[0]?.outcome.value;
    const stored = async () =>
      (await service.database.admin(`SELECT password_hash FROM identity.users WHERE id = '${id}'`))[0]?.[
        "password_hash"
      ];
    expect(await verify(email, "wrong password, long")).toBeUndefined();
    expect(await stored()).not.toContain("$argon2id$");
    expect((await verify(email, good))?.id).toBe(id);
    expect(await stored()).toContain("$argon2id$v=19$m=64,t=1,p=1$");
    expect((await verify(email, good))?.id).toBe(id);
  });

  test("a bcrypt hash never matches by its first 72 bytes alone", async () => {
    const long = "q9 ".repeat(30);
    const email = freshEmail();
    await (await client()).importUsers({ users: [{ email, passwordHash: bcrypt.hashSync(long, 4) }] });
    expect(await verify(email, long)).toBeUndefined();
    expect(await verify(email, `${long.slice(0, 72)}something else`)).toBeUndefined();
  });

  test("each user on its own: bad ones are told apart, good ones arrive", async () => {
    const taken = await create();
    const { results } = await (await client()).importUsers({
      users: [
        { email: freshEmail(), passwordHash: "$2b$20$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy" },
        { email: freshEmail(), passwordHash: "md5:0cc175b9c0f1b6a831c399e269772661" },
        { email: taken.email },
        { email: freshEmail() },
      ],
    });
    expect(results.map((r) => (r.outcome.case === "error" ? r.outcome.value : r.outcome.case))).toEqual([
      "password_hash costs too much to verify: cost 20 is above 15",
      "password_hash is not a bcrypt, argon2id, scrypt or pbkdf2 string that can be read",
      "a user with this e-mail address exists already",
      "id",
    ]);
  });
});

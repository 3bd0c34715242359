import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type AuthzServer, failureOf, startAuthzServer } from "./authz-server.ts";

let server: AuthzServer;

beforeAll(async () => {
  server = await startAuthzServer();
  const module =
    'type note\n  relations\n    define owner: [user]\n    define viewer: [user, role#assignee, user with from_office]\n    define can_read: viewer or owner\ncondition from_office(ip: ipaddress) {\n  ip.in_cidr("10.0.0.0/8")\n}\n';
  await notes().putModelModule({ module: "notes", dsl: module });
});
afterAll(() => server.close());
beforeEach(() =>
  server.opened.test.admin("TRUNCATE authz.outbox; DELETE FROM authz.relationship WHERE object_type <> 'platform'"),
);

const root = () => server.as({ service: "root" });
const notes = () => server.as({ service: "notes" });
const owner = { object: "note:1", relation: "owner", subject: "user:ann" };
const viewer = { object: "note:1", relation: "viewer", subject: "user:ben" };
const events = () =>
  server.opened.database.query<{ topic: string; key: string; actor: string }>(
    "SELECT topic, key, actor FROM outbox ORDER BY position",
  );
const stored = async () =>
  (await root().readRelationships({ filter: { object: "note:" } })).relationships.map(
    (r) => `${r.object}#${r.relation}@${r.subject}`,
  );

describe("WriteRelationships", () => {
  test("writes and deletes together, publishes one event and returns a token that a read can ask for", async () => {
    await notes().writeRelationships({ writes: [viewer] });
    const { consistencyToken } = await notes().writeRelationships({ writes: [owner], deletes: [viewer] });
    expect(await stored()).toEqual(["note:1#owner@user:ann"]);
    const fresh = {
      object: "note:1",
      relation: "can_read",
      subject: "user:ann",
      consistency: { atLeastAsFresh: consistencyToken },
    };
    expect((await notes().check(fresh)).allowed).toBe(true);
    expect(await events()).toEqual([
      { topic: "authz.relationship.v1", key: "note:1", actor: "service:notes" },
      { topic: "authz.relationship.v1", key: "note:1", actor: "service:notes" },
    ]);
  });

  test("all or nothing: one bad relationship keeps the good ones out", async () => {
    const bad = { object: "note:1", relation: "owner", subject: "service:x" };
    expect(await failureOf(notes().writeRelationships({ writes: [owner, bad] }))).toEqual([
      "InvalidArgument",
      "RELATIONSHIP_INVALID",
    ]);
    expect(await stored()).toEqual([]);
    expect(await events()).toEqual([]);
  });

  test("what exists is refused, or passed over when idempotent", async () => {
    await notes().writeRelationships({ writes: [owner] });
    expect(await failureOf(notes().writeRelationships({ writes: [owner, viewer] }))).toEqual([
      "AlreadyExists",
      "RELATIONSHIP_EXISTS",
    ]);
    expect(await stored()).toEqual(["note:1#owner@user:ann"]);
    const { consistencyToken } = await notes().writeRelationships({ writes: [owner], idempotent: true });
    expect(consistencyToken).not.toBe("");
    expect(await events()).toHaveLength(1);
  });

  test("what is missing is refused, or passed over when idempotent", async () => {
    expect(await failureOf(notes().writeRelationships({ deletes: [owner] }))).toEqual([
      "NotFound",
      "RELATIONSHIP_NOT_FOUND",
    ]);
    await notes().writeRelationships({ deletes: [owner], writes: [viewer], idempotent: true });
    expect(await stored()).toEqual(["note:1#viewer@user:ben"]);
  });

  test("idempotent does not hide another condition", async () => {
    const condition = { name: "from_office", context: {} };
    await notes().writeRelationships({ writes: [{ ...viewer, condition }] });
    await notes().writeRelationships({ writes: [{ ...viewer, condition }], idempotent: true });
    expect(await failureOf(notes().writeRelationships({ writes: [viewer], idempotent: true }))).toEqual([
      "AlreadyExists",
      "RELATIONSHIP_EXISTS",
    ]);
  });

  test("preconditions are looked at before anything is written", async () => {
    const absent = { filter: { object: "note:1", relation: "owner" }, mustExist: false };
    await notes().writeRelationships({ writes: [owner], preconditions: [absent] });
    expect(await failureOf(notes().writeRelationships({ writes: [viewer], preconditions: [absent] }))).toEqual([
      "FailedPrecondition",
      "PRECONDITION_FAILED",
    ]);
    await notes().writeRelationships({ writes: [viewer], preconditions: [{ ...absent, mustExist: true }] });
    expect(await stored()).toHaveLength(2);
  });

  test("of many first writers under a precondition one wins", async () => {
    const attempt = (object: string, subject: string) =>
      notes()
        .writeRelationships({
          writes: [{ object, relation: "owner", subject }],
          preconditions: [{ filter: { object, relation: "owner" }, mustExist: false }],
        })
        .then(
          () => "won",
          async (err: unknown) => (await failureOf(Promise.reject(err)))[1],
        );
    const objects = Array.from({ length: 12 }, (_, index) => `note:${index}`);
    const races = objects.map((object) => Promise.all(["user:a", "user:b", "user:c"].map((s) => attempt(object, s))));
    for (const race of await Promise.all(races))
      expect(race.sort()).toEqual(["PRECONDITION_FAILED", "PRECONDITION_FAILED", "won"]);
  });

  test.each([
    ["nothing", {}, "WRITE_EMPTY"],
    ["the same twice", { writes: [owner, owner] }, "RELATIONSHIP_REPEATED"],
    ["a write and its delete", { writes: [owner], deletes: [owner] }, "RELATIONSHIP_REPEATED"],
    [
      "more than a hundred changes",
      {
        writes: Array.from({ length: 60 }, (_, i) => ({ ...owner, object: `note:${i}` })),
        deletes: Array.from({ length: 41 }, (_, i) => ({ ...owner, object: `note:x${i}` })),
      },
      "WRITE_TOO_LARGE",
    ],
    [
      "a precondition on everything",
      { writes: [owner], preconditions: [{ filter: { relation: "owner" } }] },
      "PRECONDITION_TOO_WIDE",
    ],
    ["a computed relation", { writes: [{ ...owner, relation: "can_read" }] }, "RELATIONSHIP_INVALID"],
    ["a wildcard that the model does not allow", { writes: [{ ...owner, subject: "user:*" }] }, "RELATIONSHIP_INVALID"],
    [
      "a condition that the relation does not have",
      { writes: [{ ...owner, condition: { name: "from_office" } }] },
      "RELATIONSHIP_INVALID",
    ],
    ["an unknown condition", { writes: [{ ...viewer, condition: { name: "full_moon" } }] }, "RELATIONSHIP_INVALID"],
    [
      "a parameter of the wrong type",
      { writes: [{ ...viewer, condition: { name: "from_office", context: { ip: "here" } } }] },
      "CONDITION_PARAMETER_INVALID",
    ],
    [
      "an unknown parameter",
      { writes: [{ ...viewer, condition: { name: "from_office", context: { hour: 1 } } }] },
      "CONDITION_PARAMETER_INVALID",
    ],
    ["an object without id", { writes: [{ ...owner, object: "note:" }] }, "OBJECT_MALFORMED"],
    ["an id of half a character", { writes: [{ ...owner, object: "note:\ufffe" }] }, "OBJECT_MALFORMED"],
  ])("refuses %s", async (_, request, reason) => {
    expect(await failureOf(notes().writeRelationships(request))).toEqual(["InvalidArgument", reason]);
    expect(await stored()).toEqual([]);
  });

  test("a set is not part of itself", async () => {
    const self = { object: "role:x", relation: "assignee", subject: "role:x#assignee" };
    expect((await failureOf(root().writeRelationships({ writes: [self] })))[1]).toBe("RELATIONSHIP_INVALID");
  });

  test("text that looks like SQL is stored as text", async () => {
    const object = "note:');DELETE/**/FROM/relationship;--".replace("/**/", "");
    await notes().writeRelationships({ writes: [{ object, relation: "owner", subject: "user:'OR'1'='1" }] });
    expect(await stored()).toEqual([`${object}#owner@user:'OR'1'='1`]);
  });
});

describe("who may write", () => {
  const role = { object: "role:editors", relation: "assignee", subject: "user:ann" };
  const admin = { object: "platform:plinth", relation: "admin", subject: "service:notes" };

  test("a service only what its own module defines", async () => {
    for (const writes of [[role], [admin], [owner, role]])
      expect(await failureOf(notes().writeRelationships({ writes }))).toEqual([
        "PermissionDenied",
        "AUTHORIZATION_MANAGEMENT_DENIED",
      ]);
    expect((await failureOf(notes().writeRelationships({ deletes: [role], idempotent: true })))[0]).toBe(
      "PermissionDenied",
    );
    const peek = { writes: [owner], preconditions: [{ filter: { object: "role:editors" }, mustExist: false }] };
    expect((await failureOf(notes().writeRelationships(peek)))[0]).toBe("PermissionDenied");
    expect((await failureOf(server.as({ service: "shop" }).writeRelationships({ writes: [owner] })))[0]).toBe(
      "PermissionDenied",
    );
    expect((await failureOf(server.as({ service: "platform" }).writeRelationships({ writes: [admin] })))[0]).toBe(
      "PermissionDenied",
    );
  });

  test("a service on behalf of a user, as itself", async () => {
    await server.as({ service: "notes", user: "ann" }).writeRelationships({ writes: [owner] });
    expect((await events()).map(({ actor }) => actor)).toEqual(["user:ann"]);
  });

  test("whoever can manage authorization, everything; a user without it, nothing", async () => {
    const boss = server.as({ user: "boss" });
    expect((await failureOf(boss.writeRelationships({ writes: [role] })))[0]).toBe("PermissionDenied");
    await root().writeRelationships({
      writes: [
        role,
        { object: "role:bosses", relation: "assignee", subject: "user:boss" },
        { object: "platform:plinth", relation: "admin", subject: "role:bosses#assignee" },
      ],
    });
    await boss.writeRelationships({ writes: [owner] });
    await boss.writeRelationships({
      deletes: [{ object: "platform:plinth", relation: "admin", subject: "role:bosses#assignee" }],
    });
    expect((await failureOf(boss.writeRelationships({ writes: [viewer] })))[0]).toBe("PermissionDenied");
    expect((await failureOf(server.as({}).writeRelationships({ writes: [owner] })))[0]).toBe("Unauthenticated");
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type AuthzServer, failureOf, startAuthzServer } from "./authz-server.ts";

let server: AuthzServer;

beforeAll(async () => {
  server = await startAuthzServer();
});
afterAll(() => server.close());

const notesModule = `
type notebook
  relations
    define owner: [user]
    define viewer: [user, user:*, role#assignee, user with office_hours]
    define blocked: [user]
    define can_read: (viewer or owner) but not blocked
condition office_hours(hour: int) {
  hour >= 8 && hour < 18
}
`;

const root = () => server.as({ service: "root" });
const notes = () => server.as({ service: "notes" });
const ann = () => server.as({ user: "ann" });
const nobody = () => server.as({});
const owner = { object: "notebook:1", relation: "owner", subject: "user:ann" };
const question = { object: "notebook:1", relation: "can_read", subject: "user:ann" };

beforeEach(async () => {
  await server.opened.test.admin(
    "TRUNCATE authz.outbox, authz.model_module; DELETE FROM authz.relationship WHERE object_type <> 'platform'; UPDATE authz.store_state SET revision = revision + 1",
  );
  await notes().putModelModule({ module: "notes", dsl: notesModule });
});

describe("Check", () => {
  test("answers from what was written", async () => {
    expect((await notes().check(question)).allowed).toBe(false);
    await notes().writeRelationships({ writes: [owner] });
    expect((await notes().check(question)).allowed).toBe(true);
  });

  test("takes contextual relationships, which obey the model", async () => {
    const viewer = { object: "notebook:1", relation: "viewer", subject: "user:ann" };
    expect((await notes().check({ ...question, contextualRelationships: [viewer] })).allowed).toBe(true);
    const wrong = { ...viewer, subject: "service:x" };
    expect(await failureOf(notes().check({ ...question, contextualRelationships: [wrong] }))).toEqual([
      "InvalidArgument",
      "CONTEXTUAL_RELATIONSHIP_INVALID",
    ]);
    const malformed = { ...viewer, object: "notebook:1 2" };
    expect(await failureOf(notes().check({ ...question, contextualRelationships: [malformed] }))).toEqual([
      "InvalidArgument",
      "CONTEXTUAL_RELATIONSHIP_INVALID",
    ]);
    expect((await notes().check(question)).allowed).toBe(false);
  });

  test("a contextual relationship replaces the stored one of the same parts", async () => {
    const viewer = { object: "notebook:1", relation: "viewer", subject: "user:ann" };
    await notes().writeRelationships({ writes: [viewer] });
    const limited = { ...viewer, condition: { name: "office_hours", context: { hour: 3 } } };
    expect((await notes().check({ ...question, contextualRelationships: [limited] })).allowed).toBe(false);
    expect((await notes().check(question)).allowed).toBe(true);
  });

  test("a condition needs its parameters and decides by them", async () => {
    const condition = { name: "office_hours" };
    await notes().writeRelationships({
      writes: [{ object: "notebook:1", relation: "viewer", subject: "user:ann", condition }],
    });
    expect((await notes().check({ ...question, context: { hour: 9 } })).allowed).toBe(true);
    expect((await notes().check({ ...question, context: { hour: 20 } })).allowed).toBe(false);
    expect(await failureOf(notes().check(question))).toEqual(["InvalidArgument", "CONDITION_PARAMETER_MISSING"]);
    expect(await failureOf(notes().check({ ...question, context: { hour: "late" } }))).toEqual([
      "InvalidArgument",
      "CONDITION_PARAMETER_INVALID",
    ]);
  });

  test.each([
    [{ object: "notebook" }, "REQUEST_INVALID|OBJECT_MALFORMED"],
    [{ object: "notebook:*" }, "OBJECT_MALFORMED"],
    [{ object: "notebook:a#owner" }, "OBJECT_MALFORMED"],
    [{ object: "diary:1" }, "TYPE_UNKNOWN"],
    [{ relation: "can_fly" }, "RELATION_UNKNOWN"],
    [{ relation: "" }, "REQUEST_INVALID"],
    [{ subject: "user:a:b" }, "SUBJECT_MALFORMED"],
    [{ subject: "user:ann\u200b" }, "SUBJECT_MALFORMED"],
    [{ subject: "ghost:1" }, "TYPE_UNKNOWN"],
    [{ subject: "role:x#owner" }, "RELATION_UNKNOWN"],
    [{ consistency: { atLeastAsFresh: "nonsense" } }, "CONSISTENCY_TOKEN_MALFORMED"],
    [{ context: { text: "a\0b" } }, "CONTEXT_INVALID"],
  ])("refuses %j", async (part, reasons) => {
    const [code, reason] = await failureOf(notes().check({ ...question, ...part }));
    expect(code).toBe("InvalidArgument");
    expect(reasons.split("|")).toContain(reason);
  });

  test("users may ask about themselves only", async () => {
    expect((await ann().check(question)).allowed).toBe(false);
    expect(await failureOf(ann().check({ ...question, subject: "user:ben" }))).toEqual([
      "PermissionDenied",
      "PERMISSION_DENIED",
    ]);
    for (const subject of ["user:", "user:*", "role:x#assignee", "ann"])
      expect((await failureOf(ann().check({ ...question, subject })))[0]).toBe("PermissionDenied");
    expect((await failureOf(nobody().check(question)))[0]).toBe("Unauthenticated");
  });
});

describe("BatchCheck", () => {
  test("each check has its own outcome, also for the same relationship with another context", async () => {
    const condition = { name: "office_hours" };
    const viewer = { object: "notebook:1", relation: "viewer", subject: "user:ann" };
    await notes().writeRelationships({ writes: [{ ...viewer, condition }] });
    const { results } = await notes().batchCheck({
      checks: [
        { ...question, context: { hour: 9 } },
        { ...question, context: { hour: 20 } },
        question,
        { ...question, relation: "can_fly" },
        { ...question, context: { hour: 9 }, contextualRelationships: [{ ...viewer, relation: "blocked" }] },
        { ...question, subject: "user:ben" },
      ],
    });
    expect(results.map(({ outcome }) => (outcome.case === "error" ? outcome.value.code : outcome.value))).toEqual([
      true,
      false,
      "invalid_argument",
      "invalid_argument",
      false,
      false,
    ]);
  });

  test("refuses none, too many and a token inside", async () => {
    expect((await failureOf(notes().batchCheck({ checks: [] })))[1]).toBe("REQUEST_INVALID");
    expect((await failureOf(notes().batchCheck({ checks: Array(51).fill(question) })))[1]).toBe("REQUEST_INVALID");
    const inside = { ...question, consistency: { atLeastAsFresh: "x" } };
    expect((await failureOf(notes().batchCheck({ checks: [inside] })))[1]).toBe("CONSISTENCY_MISPLACED");
  });

  test("users may ask about themselves only", async () => {
    expect((await ann().batchCheck({ checks: [question, question] })).results).toHaveLength(2);
    const others = { checks: [question, { ...question, subject: "user:ben" }] };
    expect((await failureOf(ann().batchCheck(others)))[0]).toBe("PermissionDenied");
    expect((await failureOf(nobody().batchCheck({ checks: [question] })))[0]).toBe("Unauthenticated");
  });
});

describe("ListPermissions", () => {
  test("lists the relations that a check would allow, sorted", async () => {
    await notes().writeRelationships({ writes: [owner] });
    const all = await notes().listPermissions({ object: "notebook:1", subject: "user:ann" });
    expect(all.relations).toEqual(["can_read", "owner"]);
    const some = { object: "notebook:1", subject: "user:ann", relations: ["viewer", "can_read", "can_read"] };
    expect((await notes().listPermissions(some)).relations).toEqual(["can_read"]);
  });

  test("is all or nothing: an answer that cannot be found fails the list", async () => {
    const condition = { name: "office_hours" };
    const viewer = { object: "notebook:1", relation: "viewer", subject: "user:ann", condition };
    await notes().writeRelationships({ writes: [owner, viewer] });
    const list = { object: "notebook:1", subject: "user:ann" };
    expect((await failureOf(notes().listPermissions(list)))[1]).toBe("CONDITION_PARAMETER_MISSING");
    expect((await notes().listPermissions({ ...list, context: { hour: 10 } })).relations).toEqual([
      "can_read",
      "owner",
      "viewer",
    ]);
  });

  test("users may ask about themselves only", async () => {
    expect((await ann().listPermissions({ object: "notebook:1", subject: "user:ann" })).relations).toEqual([]);
    const other = { object: "notebook:1", subject: "user:ben" };
    expect((await failureOf(ann().listPermissions(other)))[0]).toBe("PermissionDenied");
    expect((await failureOf(nobody().listPermissions(other)))[0]).toBe("Unauthenticated");
    const unknown = { object: "diary:1", subject: "user:ann" };
    expect((await failureOf(ann().listPermissions(unknown)))[1]).toBe("TYPE_UNKNOWN");
  });
});

describe("ReadRelationships", () => {
  const subjects = ["user:a", "user:b", "user:c", "user:d", "user:e"];
  const read = (request: Parameters<ReturnType<typeof notes>["readRelationships"]>[0]) =>
    notes().readRelationships(request);

  beforeEach(async () => {
    await notes().writeRelationships({
      writes: subjects.map((subject) => ({ object: "notebook:1", relation: "viewer", subject })),
    });
  });

  test("pages in order and survives a deletion between pages", async () => {
    const filter = { object: "notebook:", relation: "viewer" };
    const first = await read({ filter, pageSize: 2 });
    expect(first.relationships.map((r) => r.subject)).toEqual(["user:a", "user:b"]);
    await notes().writeRelationships({ deletes: [{ object: "notebook:1", relation: "viewer", subject: "user:b" }] });
    const second = await read({ filter, pageSize: 2, pageToken: first.nextPageToken });
    expect(second.relationships.map((r) => r.subject)).toEqual(["user:c", "user:d"]);
    const third = await read({ filter, pageSize: 2, pageToken: second.nextPageToken });
    expect(third.relationships.map((r) => r.subject)).toEqual(["user:e"]);
    expect(third.nextPageToken).toBe("");
  });

  test("refuses a token of another list, a forged token and a malformed filter", async () => {
    const { nextPageToken: pageToken } = await read({ filter: { object: "notebook:" }, pageSize: 2 });
    const failures = [
      read({ filter: { object: "notebook:1" }, pageToken }),
      read({ pageToken: Buffer.from('["a"]').toString("base64url") }),
      read({ pageToken: "%%%" }),
      read({ filter: { object: "notebook" } }),
      read({ filter: { relation: "a b" } }),
      read({ pageSize: 201 }),
    ];
    const reasons = await Promise.all(failures.map(async (failure) => (await failureOf(failure))[1]));
    expect(reasons).toEqual([
      "PAGE_TOKEN_INVALID",
      "PAGE_TOKEN_INVALID",
      "PAGE_TOKEN_INVALID",
      "OBJECT_MALFORMED",
      "FILTER_MALFORMED",
      "REQUEST_INVALID",
    ]);
  });

  test("is for services and managers", async () => {
    expect((await root().readRelationships({ filter: { subject: "user:a" } })).relationships).toHaveLength(1);
    expect((await failureOf(ann().readRelationships({})))[0]).toBe("PermissionDenied");
    expect((await failureOf(nobody().readRelationships({})))[0]).toBe("Unauthenticated");
  });
});

describe("GetModel", () => {
  test("shows the shipped module and those of the services", async () => {
    const model = await notes().getModel({});
    expect(model.modules.map(({ module }) => module)).toEqual(["platform", "notes"]);
    expect(model.modules[1]?.dsl).toBe(notesModule);
    expect(model.modelVersion).toMatch(/^[0-9a-f]{16}$/);
  });

  test("is for services and managers", async () => {
    expect((await failureOf(ann().getModel({})))[0]).toBe("PermissionDenied");
    expect((await failureOf(nobody().getModel({})))[0]).toBe("Unauthenticated");
  });
});

import { fromBinary } from "@bufbuild/protobuf";
import { ModelModuleChangedSchema } from "@plinth/proto/plinth/authz/v1/events";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type AuthzServer, failureOf, startAuthzServer } from "./authz-server.ts";

let server: AuthzServer;

beforeAll(async () => {
  server = await startAuthzServer();
});
afterAll(() => server.close());
beforeEach(() =>
  server.opened.test.admin(
    "TRUNCATE authz.outbox, authz.model_module; DELETE FROM authz.relationship WHERE object_type <> 'platform'; UPDATE authz.store_state SET revision = revision + 1",
  ),
);

const notes = () => server.as({ service: "notes" });
const first = "type note\n  relations\n    define owner: [user]\n    define viewer: [user]\n";
const put = (dsl: string, module = "notes", service = module) => server.as({ service }).putModelModule({ module, dsl });

describe("PutModelModule", () => {
  test("says whether it changed something; the same text again changes nothing", async () => {
    const one = await put(first);
    expect(one.changed).toBe(true);
    expect(await put(first)).toMatchObject({ changed: false, modelVersion: one.modelVersion });
    expect((await put(`${first}    define editor: [user]\n`)).modelVersion).not.toBe(one.modelVersion);
    const events = await server.opened.database.query<{ type: string; data: Buffer }>(
      "SELECT type, data FROM outbox ORDER BY position",
    );
    expect(events.map(({ type }) => type)).toEqual(Array(2).fill("plinth.authz.v1.ModelModuleChanged"));
    const told = events.map(({ data }) => fromBinary(ModelModuleChangedSchema, data));
    expect(told).toMatchObject([
      { previousDsl: "", dsl: first },
      { previousDsl: first, dsl: `${first}    define editor: [user]\n` },
    ]);
  });

  test("counts at once on every instance", async () => {
    const other = await server.startInstance();
    try {
      await put(first);
      const question = { object: "note:1", relation: "owner", subject: "user:ann" };
      expect((await other.as({ service: "x" }).check(question)).allowed).toBe(false);
      await put("type note\n  relations\n    define viewer: [user]\n");
      expect((await failureOf(other.as({ service: "x" }).check(question)))[1]).toBe("RELATION_UNKNOWN");
    } finally {
      await other.close();
    }
  });

  test("a removed type or relation must not be in use", async () => {
    await put(first);
    await notes().writeRelationships({
      writes: ["a", "b"].map((id) => ({ object: "note:1", relation: "viewer", subject: `user:${id}` })),
    });
    const call = put("type note\n  relations\n    define owner: [user]\n");
    await expect(call).rejects.toThrow(
      'relation "viewer" of type "note" cannot be removed: 2 stored relationships use it',
    );
    expect(await failureOf(put("type page\n  relations\n    define owner: [user]\n"))).toEqual([
      "FailedPrecondition",
      "MODEL_IN_USE",
    ]);
    await put(`${first}    define editor: [user]\n`);
  });

  test("a type that narrows leaves its relationships without effect, not without a trace", async () => {
    await put("type note\n  relations\n    define viewer: [user, user:*]\n");
    await notes().writeRelationships({ writes: [{ object: "note:1", relation: "viewer", subject: "user:*" }] });
    const question = { object: "note:1", relation: "viewer", subject: "user:ann" };
    expect((await notes().check(question)).allowed).toBe(true);
    await put("type note\n  relations\n    define viewer: [user]\n");
    expect((await notes().check(question)).allowed).toBe(false);
    expect((await notes().readRelationships({ filter: { object: "note:1" } })).relationships).toHaveLength(1);
  });

  test.each([
    ["a type of the platform", "type user\n", 'line 1: type "user" is already defined by module "platform"'],
    ["a syntax error", "type note\n  relations\n    define owner [user]\n", "line 3"],
    ["an unknown type", "type note\n  relations\n    define owner: [human]\n", "line 3"],
    ["an unknown relation", "type note\n  relations\n    define owner: [user] or boss\n", "line 3"],
    [
      "mixed operators",
      "type note\n  relations\n    define a: [user]\n    define b: [user]\n    define c: a or b and a\n",
      "put parentheses",
    ],
    ["a circle", "type note\n  relations\n    define a: [user] or b\n    define b: [user] or a\n", "a -> b -> a"],
    ["a relation nobody can have", "type note\n  relations\n    define a: b\n    define b: a\n", "line"],
    ["the header of another module", "module shop\ntype note\n", 'must be "module notes"'],
    ["another schema", "model\n  schema 1.0\ntype note\n", "schema 1.1"],
    [
      "a name that every object has",
      "type note\n  relations\n    define __proto__: [user]\n",
      "line 3: cannot use the name",
    ],
    ["an extension", "extend type user\n  relations\n    define x: [user]\n", "cannot extend"],
    [
      "endless parentheses",
      `type note\n  relations\n    define a: ${"(".repeat(500)}[user]${")".repeat(500)}\n`,
      "parentheses",
    ],
    [
      "a broken condition",
      "type note\n  relations\n    define a: [user with c]\ncondition c(x: int) {\n  x >\n}\n",
      'condition "c"',
    ],
    [
      "an unknown parameter",
      "type note\n  relations\n    define a: [user with c]\ncondition c(x: int) {\n  y > 1\n}\n",
      '"y" is not a parameter',
    ],
  ])("refuses %s and says where", async (_, dsl, message) => {
    const call = put(dsl);
    await expect(call).rejects.toThrow(message);
    expect(await failureOf(call)).toEqual(["InvalidArgument", "MODEL_INVALID"]);
  });

  test("a type belongs to one module, and no module refers to another's", async () => {
    await put(first);
    await expect(put(first, "shop")).rejects.toThrow('type "note" is already defined by module "notes"');
    const foreign = "type order\n  relations\n    define note: [note]\n";
    await expect(put(foreign, "shop")).rejects.toThrow("another service's module");
    await put(
      "module shop\ntype order\n  relations\n    define platform: [platform]\n    define can_see: admin from platform\n",
      "shop",
    );
  });

  test("is for the service of that name and for managers", async () => {
    expect((await failureOf(put(first, "notes", "shop")))[0]).toBe("PermissionDenied");
    expect((await put(first, "notes", "root")).changed).toBe(true);
    expect((await failureOf(server.as({ user: "ann" }).putModelModule({ module: "notes", dsl: first })))[0]).toBe(
      "PermissionDenied",
    );
    expect((await failureOf(server.as({}).putModelModule({ module: "notes", dsl: first })))[0]).toBe("Unauthenticated");
    for (const service of ["platform", "root"])
      expect((await failureOf(put(first, "platform", service)))[1]).toBe("MODULE_READ_ONLY");
    expect((await failureOf(put(first, "Bad Name", "root")))[1]).toBe("REQUEST_INVALID");
  });
});

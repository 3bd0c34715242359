import { fromBinary } from "@bufbuild/protobuf";
import { UserDataErasedSchema, UserErasureCompletedSchema } from "@plinth/proto/plinth/identity/v1/events";
import { UserState } from "@plinth/proto/plinth/identity/v1/identity";
import { eventually } from "@plinth/testing";
import { describe, expect, test } from "vitest";
import { client, codeOf, create, good, nobody, service, useIdentityService, verify } from "./identity-fixture.ts";

useIdentityService();

describe("delete, restore, erase", () => {
  test("a deleted user cannot sign in, keeps the address, and comes back", async () => {
    const user = await create({ password: good });
    const c = await client();
    expect((await c.deleteUser({ id: user.id })).state).toBe(UserState.DELETED);
    expect(await verify(user.email, good)).toBeUndefined();
    expect(await codeOf(create({ email: user.email }))).toBe("AlreadyExists");
    expect(await codeOf(c.updateUser({ id: user.id, updateMask: { paths: ["display_name"] }, displayName: "x" }))).toBe(
      "NotFound",
    );
    expect((await c.restoreUser({ id: user.id })).state).toBe(UserState.ACTIVE);
    expect((await verify(user.email, good))?.id).toBe(user.id);
  });

  test("erasing needs deletion first, frees the address and leaves nothing of the person", async () => {
    const user = await create({ displayName: "Forget Me", password: good, attributes: { phone: "555-0100" } });
    const c = await client();
    expect(await codeOf(c.eraseUser({ id: user.id }))).toBe("FailedPrecondition");
    await c.deleteUser({ id: user.id });
    await c.eraseUser({ id: user.id });
    await c.eraseUser({ id: user.id });
    expect(await codeOf(c.getUser({ id: user.id }))).toBe("NotFound");
    expect(await codeOf(c.restoreUser({ id: user.id }))).toBe("NotFound");
    const row = JSON.stringify(await service.database.admin(`SELECT * FROM identity.users WHERE id = '${user.id}'`));
    for (const trace of [user.email, "Forget Me", "555-0100", "$argon2id$"]) expect(row).not.toContain(trace);
    expect(await codeOf(create({ email: user.email }))).toBe("ok");
  });

  test("an erasure is complete when every service that holds data has confirmed it", async () => {
    const user = await create();
    const c = await client();
    expect(await codeOf(c.getUserErasure({ id: user.id }))).toBe("FailedPrecondition");
    expect(await codeOf(c.getUserErasure({ id: nobody }))).toBe("NotFound");
    await c.deleteUser({ id: user.id });
    await c.eraseUser({ id: user.id });
    const begun = await c.getUserErasure({ id: user.id });
    expect(begun).toMatchObject({ userId: user.id, confirmations: [], pending: ["auth", "authz", "audit"] });
    expect(begun.completeTime).toBeUndefined();

    const confirm = (source: string, removed: Record<string, bigint> = {}, id?: string) =>
      service.publish({
        ...{ source, topic: "identity.erasure.v1", key: user.id, schema: UserDataErasedSchema },
        message: { userId: user.id, removed },
        ...(id === undefined ? {} : { id }),
      });
    const completed = async () =>
      (await service.published("identity.user.v1"))
        .filter((e) => e.subject === `users/${user.id}` && e.type === UserErasureCompletedSchema.typeName)
        .map(({ data }) => fromBinary(UserErasureCompletedSchema, data).services);
    const id = await confirm("auth", { sessions: 2n });
    await confirm("auth", { sessions: 2n }, id);
    await confirm("auth", { sessions: 9n });
    await confirm("notes.shop");
    await confirm("authz");
    await eventually(async () =>
      expect(await c.getUserErasure({ id: user.id })).toMatchObject({
        pending: ["audit"],
        confirmations: [
          { service: "auth", removed: { sessions: 2n } },
          { service: "notes.shop" },
          { service: "authz" },
        ],
      }),
    );
    expect(await completed()).toEqual([]);
    await confirm("audit", { entries: 7n });
    await eventually(async () => expect(await completed()).toEqual([["audit", "auth", "authz", "notes.shop"]]));
    const done = await c.getUserErasure({ id: user.id });
    expect(done.pending).toEqual([]);
    expect(done.completeTime).toEqual(done.confirmations.at(-1)?.confirmTime);
    // Late and unknown ones change nothing.
    await confirm("billing");
    await eventually(async () => expect((await c.getUserErasure({ id: user.id })).confirmations).toHaveLength(5));
    expect((await c.getUserErasure({ id: user.id })).completeTime).toEqual(done.completeTime);
    expect(await completed()).toHaveLength(1);
  });

  test("every step is published in order", async () => {
    const user = await create();
    const c = await client();
    await c.updateUser({ id: user.id, updateMask: { paths: ["state"] }, state: UserState.DISABLED });
    await c.deleteUser({ id: user.id });
    await c.restoreUser({ id: user.id });
    await c.deleteUser({ id: user.id });
    await c.eraseUser({ id: user.id });
    const types = async () =>
      (await service.published("identity.user.v1"))
        .filter((e) => e.subject === `users/${user.id}`)
        .map((e) => e.type.split(".").at(-1));
    await eventually(async () =>
      expect(await types()).toEqual([
        "UserCreated",
        "UserUpdated",
        "UserDeleted",
        "UserRestored",
        "UserDeleted",
        "UserErased",
      ]),
    );
  });
});

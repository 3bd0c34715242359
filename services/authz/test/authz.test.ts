import { fromBinary } from "@bufbuild/protobuf";
import { ConfigError, silentLogger } from "@plinth/kernel";
import { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import { RelationshipsChangedSchema } from "@plinth/proto/plinth/authz/v1/events";
import { UserDataErasedSchema, UserErasedSchema } from "@plinth/proto/plinth/identity/v1/events";
import { composeService } from "@plinth/service";
import { eventually } from "@plinth/testing";
import { type As, type ServiceFixture, startService } from "@plinth/testing/service";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { authz } from "../src/app.ts";
import { createAdminGrant } from "../src/grant-admins.ts";
import { createMemoryStore } from "./memory-store.ts";
import { failureOf } from "./rpc/authz-server.ts";

const ann = "01920000-0000-7000-8000-000000000001";
let service: ServiceFixture;

beforeAll(async () => {
  service = await startService({
    definition: authz,
    migrations: `${import.meta.dirname}/../migrations`,
    env: { PLINTH_AUTHZ_ADMINS: "service:plinth-cli, service:root" },
  });
});
afterAll(() => service.stop());

const client = (as?: As) => service.client(AuthzService, as);

describe("the whole service", () => {
  test("makes the configured subjects admins at start", async () => {
    const cli = await client({ workload: "plinth-cli" });
    const { relationships } = await cli.readRelationships({ filter: { object: "platform:plinth" } });
    expect(relationships.map(({ relation, subject }) => `${relation} ${subject}`)).toEqual([
      "admin service:plinth-cli",
      "admin service:root",
    ]);
  });

  test("an admin makes a user an admin, who then may manage users", async () => {
    const cli = await client({ workload: "plinth-cli" });
    const admin = { object: "platform:plinth", relation: "admin", subject: `user:${ann}` };
    const { consistencyToken } = await cli.writeRelationships({ writes: [admin], idempotent: true });
    const self = await client({ userId: ann });
    const { relations } = await self.listPermissions({ object: "platform:plinth", subject: `user:${ann}` });
    expect(relations).toEqual([
      "admin",
      "can_manage_authorization",
      "can_manage_credentials",
      "can_manage_keys",
      "can_manage_sessions",
      "can_manage_users",
      "can_read_audit",
      "can_read_users",
      "can_write_audit",
    ]);
    await eventually(async () => {
      const events = await service.published("authz.relationship.v1");
      const changes = events.map(({ data }) => fromBinary(RelationshipsChangedSchema, data));
      expect(changes.at(-1)).toMatchObject({ written: [admin], deleted: [], consistencyToken });
      expect(events.at(-1)).toMatchObject({ subject: "platform:plinth", actor: "service:plinth-cli" });
    });
  });

  test("nothing that an erased user was or had is left, however much it was", async () => {
    const cli = await client({ workload: "plinth-cli" });
    const gone = "01920000-0000-7000-8000-0000000000ee";
    const dsl = "type user\ntype album\n  relations\n    define viewer: [user]\n";
    await (await client({ workload: "albums" })).putModelModule({
      module: "albums",
      dsl: dsl.replace("type user\n", ""),
    });
    const albums = Array.from({ length: 230 }, (_, i) => ({
      object: `album:${i}`,
      relation: "viewer",
      subject: `user:${gone}`,
    }));
    for (let i = 0; i < albums.length; i += 100) await cli.writeRelationships({ writes: albums.slice(i, i + 100) });
    const kept = { object: "album:1", relation: "viewer", subject: `user:${ann}` };
    await cli.writeRelationships({ writes: [kept] });

    await service.publish({
      ...{ source: "identity", topic: "identity.user.v1", key: gone },
      ...{ schema: UserErasedSchema, message: { userId: gone } },
    });
    await eventually(async () => {
      const told = await service.published("identity.erasure.v1");
      expect(told.map(({ data }) => fromBinary(UserDataErasedSchema, data))).toEqual([
        expect.objectContaining({ userId: gone, removed: { relationships: 230n } }),
      ]);
    });
    const left = await cli.readRelationships({ filter: { object: "album:" } });
    expect(left.relationships.map(({ subject }) => subject)).toEqual([kept.subject]);
  });

  test("a call that the gateway passes on is no service's call", async () => {
    const check = { object: "platform:plinth", relation: "admin", subject: "user:x" };
    const anonymous = await client({ workload: "gateway" });
    expect((await failureOf(anonymous.check(check)))[0]).toBe("Unauthenticated");
    const user = await client({ workload: "gateway", userId: "01920000-0000-7000-8000-000000000002" });
    expect((await failureOf(user.check(check)))[0]).toBe("PermissionDenied");
    expect((await failureOf(user.putModelModule({ module: "gateway", dsl: "type a\n" })))[0]).toBe("PermissionDenied");
  });

  test("the runtime role cannot change the schema", async () => {
    const rows = await service.database.admin(
      `SELECT has_schema_privilege('${service.database.runtimeRole}', 'authz', 'CREATE') AS may_create`,
    );
    expect(rows).toEqual([{ may_create: false }]);
  });
});

describe("configuration", () => {
  test("a malformed admin is a configuration problem", async () => {
    const source = {
      PLINTH_AUTHZ_ADMINS: "root",
      PLINTH_DATABASE_URL: "postgres://127.0.0.1/x",
      PLINTH_BUS_URL: "postgres://127.0.0.1/x",
      PLINTH_DISCOVERY_DRIVER: "static",
      PLINTH_TELEMETRY: "off",
    };
    await expect(composeService(authz, source)).rejects.toThrow(ConfigError);
    await expect(composeService(authz, source)).rejects.toThrow("PLINTH_AUTHZ_ADMINS");
  });

  test("granting again writes and publishes nothing", async () => {
    const store = createMemoryStore();
    const grant = createAdminGrant({ admins: ["service:root"], store, logger: silentLogger });
    await grant.start?.();
    await grant.start?.();
    expect(store.published().map(({ event }) => event.kind)).toEqual(["relationships changed"]);
  });
});

import { create, toBinary } from "@bufbuild/protobuf";
import { AuditService, Outcome, PersonalData } from "@plinth/proto/plinth/audit/v1/audit";
import { LoginFailedSchema } from "@plinth/proto/plinth/auth/v1/events";
import { UserCreatedSchema } from "@plinth/proto/plinth/identity/v1/events";
import { eventually } from "@plinth/testing";
import type { As } from "@plinth/testing/service";
import pg from "pg";
import { beforeAll, describe, expect, test } from "vitest";
import {
  auditor,
  codeOf,
  newId,
  nobody,
  publish,
  record,
  service,
  useAuditService,
  wholeCheckpoint,
} from "./audit-fixture.ts";

useAuditService();
const client = (as?: As) => service.client(AuditService, as);

describe("access", () => {
  const entry = {
    id: "01920000-0000-7000-8000-0000000000ff",
    action: "a.b",
    actor: "user:1",
    outcome: Outcome.SUCCESS,
  };

  test.each([
    ["recordEntry", {}, "Unauthenticated"],
    ["recordEntry", { userId: auditor }, "PermissionDenied"],
    ["recordEntry", { workload: "gateway" }, "Unauthenticated"],
    ["getEntry", {}, "Unauthenticated"],
    ["getEntry", { userId: nobody }, "PermissionDenied"],
    ["listEntries", {}, "Unauthenticated"],
    ["listEntries", { userId: nobody }, "PermissionDenied"],
    ["listEntries", { workload: "notes" }, "PermissionDenied"],
  ] as const)("%s as %o is %s", async (rpc, as, code) => {
    const c = await client(as);
    expect(
      await codeOf(
        rpc === "recordEntry"
          ? c.recordEntry(entry)
          : rpc === "getEntry"
            ? c.getEntry({ id: entry.id })
            : c.listEntries({}),
      ),
    ).toBe(code);
  });
});

describe("RecordEntry", () => {
  test("stores what a service reports, under its proven name, once", async () => {
    const id = newId();
    const reporter = await client({ workload: "notes", headers: { "x-request-id": "req-7" } });
    const request = {
      id,
      action: "notes.note.read",
      actor: `user:${nobody}`,
      resource: "notes/9",
      outcome: Outcome.DENIED,
      ipAddress: "192.0.2.1",
      details: { reason: "not shared" },
    };
    const first = await reporter.recordEntry(request);
    const second = await reporter.recordEntry({ ...request, action: "something.else" });
    expect(second).toEqual(first);
    const stored = await (await client({ userId: auditor })).getEntry({ id });
    expect(stored).toMatchObject({
      source: "notes",
      action: "notes.note.read",
      outcome: Outcome.DENIED,
      requestId: "req-7",
      details: { reason: "not shared" },
    });
    expect(stored.traceId).toMatch(/^[0-9a-f]{32}$/);
  });

  test("concurrent records get sequence numbers without gaps", async () => {
    const reporter = await client({ workload: "notes" });
    const stored = await Promise.all(
      Array.from({ length: 30 }, () =>
        reporter.recordEntry({ id: newId(), action: "x.y", actor: "anonymous", outcome: Outcome.SUCCESS }),
      ),
    );
    expect(new Set(stored.map((entry) => entry.sequence)).size).toBe(30);
    // What this service is told meanwhile, of calls that were refused for example, lies between them.
    const [log] = await service.database.admin("SELECT count(*) = max(sequence) AS gapless FROM audit.sealed_entry");
    expect(log).toEqual({ gapless: true });
  });

  test.each([
    ["no outcome", { outcome: Outcome.UNSPECIFIED }],
    ["id that is not a UUID", { id: "'; DROP TABLE entry; --" }],
    ["no action", { action: "" }],
  ])("refuses %s", async (_, change) => {
    const call = (await client({ workload: "notes" })).recordEntry({
      id: newId(),
      action: "a",
      actor: "b",
      outcome: Outcome.SUCCESS,
      ...change,
    });
    expect(await codeOf(call)).toBe("InvalidArgument");
  });
});

describe("events", () => {
  test("each becomes one entry, however often it is delivered, with readable details", async () => {
    const event = {
      id: newId(),
      type: "plinth.identity.v1.UserCreated",
      subject: "users/77",
      data: toBinary(UserCreatedSchema, create(UserCreatedSchema, { userId: "77", email: "a@b.example" })),
    };
    const failed = {
      id: newId(),
      topic: "auth.session.v1",
      type: "plinth.auth.v1.LoginFailed",
      subject: "users/77",
      data: toBinary(
        LoginFailedSchema,
        create(LoginFailedSchema, { reason: "invalid_credentials", ipAddress: "192.0.2.9" }),
      ),
    };
    const own = {
      id: newId(),
      topic: "notes.note.v1",
      type: "notes.v1.NoteCreated",
      subject: "users/77",
      data: Uint8Array.of(1, 2, 3),
      ...{ clientAddress: "2001:db8::7", via: "billing" },
    };
    await publish([event, event, failed, own]);
    await publish([event]);
    const reader = await client({ userId: auditor });
    await eventually(async () =>
      expect((await reader.listEntries({ filter: { resource: "users/77" } })).entries).toHaveLength(3),
    );
    expect(await reader.getEntry({ id: event.id })).toMatchObject({
      action: event.type,
      outcome: Outcome.SUCCESS,
      details: { userId: "77", email: "a@b.example" },
    });
    expect(await reader.getEntry({ id: failed.id })).toMatchObject({
      outcome: Outcome.FAILURE,
      ipAddress: "192.0.2.9",
    });
    expect(await reader.getEntry({ id: own.id })).toMatchObject({
      action: "notes.v1.NoteCreated",
      source: "identity",
      details: {},
      payload: Uint8Array.of(1, 2, 3),
      ...{ ipAddress: "2001:db8::7", via: "billing" },
      personalData: PersonalData.READABLE,
    });
  });
});

describe("ListEntries", () => {
  test("pages newest first and new entries do not move the pages", async () => {
    const reporter = await client({ workload: "pager" });
    const add = (n: number) =>
      reporter.recordEntry({ id: newId(), action: `page.n${n}`, actor: "anonymous", outcome: Outcome.SUCCESS });
    for (let n = 1; n <= 5; n++) await add(n);
    const reader = await client({ userId: auditor });
    const filter = { source: "pager" };
    const first = await reader.listEntries({ pageSize: 2, filter });
    await add(6);
    const second = await reader.listEntries({ pageSize: 2, filter, pageToken: first.nextPageToken });
    const third = await reader.listEntries({ pageSize: 2, filter, pageToken: second.nextPageToken });
    expect([first, second, third].map((p) => p.entries.map((e) => e.action))).toEqual([
      ["page.n5", "page.n4"],
      ["page.n3", "page.n2"],
      ["page.n1"],
    ]);
    expect(third.nextPageToken).toBe("");
  });

  test("filters by each field, and by prefix where asked", async () => {
    const reporter = await client({ workload: "filter", headers: { "x-request-id": "filter-1" } });
    await reporter.recordEntry({
      id: newId(),
      action: "f_1.made",
      actor: "user:a",
      resource: "r/1",
      outcome: Outcome.SUCCESS,
      time: { seconds: 1_000n },
    });
    await reporter.recordEntry({
      id: newId(),
      action: "fx1.made",
      actor: "user:b",
      resource: "r/2",
      outcome: Outcome.FAILURE,
      time: { seconds: 2_000n },
    });
    const reader = await client({ userId: auditor });
    const actions = async (filter: object) =>
      (await reader.listEntries({ filter: { source: "filter", ...filter } })).entries.map((e) => e.action);
    expect(await actions({ action: "f_1." })).toEqual(["f_1.made"]);
    expect(await actions({ action: "fx1" })).toEqual([]);
    expect(await actions({ actor: "user:b" })).toEqual(["fx1.made"]);
    expect(await actions({ resource: "r/1" })).toEqual(["f_1.made"]);
    expect(await actions({ outcome: Outcome.FAILURE })).toEqual(["fx1.made"]);
    expect(await actions({ requestId: "filter-1" })).toHaveLength(2);
    expect(await actions({ startTime: { seconds: 1_000n }, endTime: { seconds: 2_000n } })).toEqual(["f_1.made"]);
    expect(await actions({ actor: "' OR '1'='1" })).toEqual([]);
  });

  test.each([{ pageToken: "nonsense" }, { pageSize: 501 }, { pageSize: -1 }])("refuses %o", async (request) => {
    expect(await codeOf((await client({ userId: auditor })).listEntries(request))).toBe("InvalidArgument");
  });

  test("an unknown entry is not found", async () => {
    expect(await codeOf((await client({ userId: auditor })).getEntry({ id: newId() }))).toBe("NotFound");
  });
});

describe("append-only", () => {
  const denied = /permission denied/;
  const refused = /cannot be changed or removed|only grows/;
  // What is not there yet is not refused to be changed.
  beforeAll(async () => {
    await record(1);
    await wholeCheckpoint();
  });

  test.each([
    ["UPDATE sealed_entry SET action = 'x'", denied],
    ["UPDATE sealed_entry SET actor_tag = 'x'", refused],
    ["DELETE FROM sealed_entry", refused],
    ["TRUNCATE sealed_entry", denied],
    ["DELETE FROM head", denied],
    ["INSERT INTO head VALUES (false, 1)", denied],
    ["UPDATE log_head SET root = 'x'", refused],
    ["UPDATE log_head SET size = 0", refused],
    ["UPDATE log_head SET pruned = size + 1", refused],
    ["DELETE FROM log_head", denied],
    ["UPDATE tile SET hashes = decode(repeat('00', 32), 'hex')", refused],
    ["DELETE FROM tile", denied],
    ["DELETE FROM subject_key", denied],
    ["UPDATE log_key SET sealed_seed = 'x'", denied],
  ])("the service's role cannot run %s", async (sql, why) => {
    const runtime = new pg.Client({ connectionString: service.database.url });
    await runtime.connect();
    await expect(runtime.query(sql)).rejects.toThrow(why);
    await runtime.end();
  });

  test("not even the owner changes an entry by mistake", async () => {
    await expect(service.database.admin("UPDATE audit.sealed_entry SET action = 'x'")).rejects.toThrow(refused);
    await expect(service.database.admin("TRUNCATE audit.sealed_entry")).rejects.toThrow(refused);
    await expect(service.database.admin("TRUNCATE audit.tile")).rejects.toThrow(refused);
    await expect(service.database.admin("DELETE FROM audit.log_head")).rejects.toThrow(refused);
  });
});

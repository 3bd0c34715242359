import { create, toBinary } from "@bufbuild/protobuf";
import { PersonalData } from "@plinth/proto/plinth/audit/v1/audit";
import { UserCreatedSchema, UserErasedSchema, UserUpdatedSchema } from "@plinth/proto/plinth/identity/v1/events";
import { eventually } from "@plinth/testing";
import { leafHash, parseProofFile, verifyProofFile } from "@plinth/transparency-log";
import { describe, expect, test } from "vitest";
import {
  logClient,
  newId,
  publish,
  reader,
  service,
  trust,
  useAuditService,
  wholeCheckpoint,
} from "./audit-fixture.ts";
import { logParts, newEntry } from "./log-parts.ts";

useAuditService();

const created = (userId: string, actor: string) => ({
  id: newId(),
  type: UserCreatedSchema.typeName,
  subject: `users/${userId}`,
  actor,
  data: toBinary(UserCreatedSchema, create(UserCreatedSchema, { userId, email: `${userId}@mail.example` })),
});
const updatedBy = (userId: string, of: string) => ({
  id: newId(),
  type: UserUpdatedSchema.typeName,
  subject: `users/${of}`,
  actor: `user:${userId}`,
  data: toBinary(UserUpdatedSchema, create(UserUpdatedSchema, { userId: of, changed: ["email"] })),
});
const erased = (userId: string) => ({
  id: newId(),
  type: UserErasedSchema.typeName,
  subject: `users/${userId}`,
  actor: "user:admin",
  data: toBinary(UserErasedSchema, create(UserErasedSchema, { userId })),
});

async function untilRecorded(id: string): Promise<void> {
  const read = await reader();
  await eventually(() => read.getEntry({ id }));
  await wholeCheckpoint();
}

describe("personal data", () => {
  test("is nowhere in the database as text", async () => {
    const event = { ...created("carol-7", "user:carol-7"), clientAddress: "2001:db8::c:7", via: "carols-own" };
    await publish([event]);
    await untilRecorded(event.id);
    const rows = await service.database.admin(
      "SELECT to_jsonb(e)::text || encode(who_sealed, 'escape') || encode(what_sealed, 'escape') AS text FROM audit.sealed_entry e",
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const { text } of rows) expect(text).not.toMatch(/carol|2001:db8/);
    expect(await service.database.admin("SELECT FROM audit.entry")).toEqual([]);
  });

  test("of an erased user is gone for good, of others stays, and every proof stays valid", async () => {
    const seen = { clientAddress: "192.0.2.4", via: "portal" };
    const [own, byDan, onErin] = [
      { ...created("dan", "user:dan"), ...seen },
      updatedBy("dan", "erin"),
      updatedBy("erin", "dan"),
    ];
    await publish([own, byDan, onErin]);
    await untilRecorded(onErin.id);
    const log = await logClient();
    const before = await log.getEntryProof({ id: own.id });
    expect(await (await reader()).getEntry({ id: own.id })).toMatchObject({ ipAddress: "192.0.2.4", via: "portal" });
    const gone = erased("dan");
    const late = updatedBy("dan", "dan");
    await publish([gone, late]);
    await untilRecorded(late.id);
    const read = await reader();
    const entry = (id: string) => read.getEntry({ id });
    const nothing = { actor: "", resource: "", ipAddress: "", via: "", details: {} };
    expect(await entry(own.id)).toMatchObject({ ...nothing, personalData: PersonalData.ERASED, action: own.type });
    expect(await entry(byDan.id)).toMatchObject({ actor: "", resource: "users/erin", details: { userId: "erin" } });
    expect(await entry(onErin.id)).toMatchObject({ actor: "user:erin", resource: "", details: {} });
    expect(await entry(gone.id)).toMatchObject({ actor: "user:admin", resource: "", action: gone.type });
    // What arrives afterwards is recorded and was never readable.
    expect(await entry(late.id)).toMatchObject({ ...nothing, personalData: PersonalData.ERASED });
    await eventually(async () =>
      expect((await read.listEntries({ filter: { actor: "user:dan" } })).entries).toEqual([]),
    );
    await eventually(async () =>
      expect((await read.listEntries({ filter: { resource: "users/dan" } })).entries).toEqual([]),
    );
    expect((await read.listEntries({ filter: { actor: "user:erin" } })).entries).toHaveLength(1);
    const keys = await service.database.admin("SELECT wrapped FROM audit.subject_key WHERE erase_time IS NOT NULL");
    expect(keys).toEqual([{ wrapped: null }]);
    // The proof from before, and a new one, of the same leaf.
    const trusted = await trust();
    const after = await log.getEntryProof({ id: own.id });
    expect(after.leaf).toEqual(before.leaf);
    for (const { tlogProof, leaf } of [before, after])
      expect(verifyProofFile(parseProofFile(tlogProof), leafHash(leaf), trusted).size).toBeGreaterThan(0);
    expect(Buffer.from(parseProofFile(after.tlogProof).extra ?? []).toString()).not.toContain("dan@mail.example");
  });

  test("is not erased because somebody but identity says so", async () => {
    const own = created("frank", "user:frank");
    const said = [
      { ...erased("frank"), source: "team/identity" },
      { ...erased("frank"), topic: "other.v1" },
    ];
    await publish([own, ...said]);
    for (const { id } of [own, ...said]) await untilRecorded(id);
    expect(await (await reader()).getEntry({ id: own.id })).toMatchObject({ actor: "user:frank" });
  });
});

test("a user with more entries than one transaction takes is not found any more, whatever happens in between", async () => {
  const { entries, recorder, erasure, erase, testDatabase } = await logParts();
  for (const userId of ["gina", "hugo"]) await recorder.record(newEntry({ actor: `user:${userId}`, resource: "" }));
  await testDatabase.admin(
    `INSERT INTO audit.sealed_entry SELECT n + 10, gen_random_uuid(), time, record_time, source, action, outcome, request_id, trace_id,
       who_key, who_sealed, who_commitment, what_key, what_sealed, what_commitment, 0, actor_tag, 'x'
     FROM audit.sealed_entry, generate_series(1, 2500) AS n WHERE sequence = 1`,
  );
  const count = async (actor: string) => (await entries.list({ actor }, { before: undefined, limit: 5_000 })).length;
  expect(await count("user:gina")).toBe(2_501);
  await erase("gina");
  expect(await erasure.round()).toBe(true);
  expect(await count("user:gina")).toBe(1_501);
  while (await erasure.round()) {}
  expect(await count("user:gina")).toBe(0);
  expect(await testDatabase.admin("SELECT FROM audit.sealed_entry WHERE resource_tag IS NOT NULL")).toEqual([]);
  expect(await count("user:hugo")).toBe(1);
  expect(await erasure.round()).toBe(false);
});

describe("what cannot be opened", () => {
  test("is shown as damaged, and does not hide the rest of the list", async () => {
    const { entries, recorder, testDatabase } = await logParts();
    const [good, bad] = [newEntry(), newEntry()];
    await recorder.record(bad);
    await recorder.record(good);
    await testDatabase.admin(
      `SET session_replication_role = replica; UPDATE audit.sealed_entry SET what_sealed = set_byte(what_sealed, 30, get_byte(what_sealed, 30) # 1) WHERE id = '${bad.id}'`,
    );
    const listed = await entries.list({}, { before: undefined, limit: 10 });
    expect(listed.map(({ personalData, details }) => [personalData, details])).toEqual([
      ["readable", { title: "secret plans" }],
      ["damaged", {}],
    ]);
  });

  test("are parts that were swapped between rows", async () => {
    const { entries, recorder, testDatabase } = await logParts();
    const [one, other] = [newEntry(), newEntry({ details: { title: "harmless" } })];
    await recorder.record(one);
    await recorder.record(other);
    await testDatabase.admin(
      `SET session_replication_role = replica; UPDATE audit.sealed_entry SET (what_sealed, what_commitment) =
         (SELECT what_sealed, what_commitment FROM audit.sealed_entry WHERE id = '${other.id}') WHERE id = '${one.id}'`,
    );
    expect((await entries.get(one.id))?.entry).toMatchObject({ personalData: "damaged", details: {} });
  });
});

import { create, toBinary } from "@bufbuild/protobuf";
import type { BusMessage } from "@plinth/bus";
import { UserErasedSchema } from "@plinth/proto/plinth/identity/v1/events";
import { userTopic } from "@plinth/service";
import { beforeAll, describe, expect, test } from "vitest";
import { logParts, newEntry, newEvent, recordingsOf } from "./log-parts.ts";
import { auditTree } from "./tree-auditor.ts";

let parts: Awaited<ReturnType<typeof logParts>>;
beforeAll(async () => {
  parts = await logParts();
});

const record = (events: readonly BusMessage[]) => parts.recorder.recordEvents(recordingsOf(events));
const sequences = async (events: readonly BusMessage[]) => {
  const found = await Promise.all(events.map(({ id }) => parts.entries.get(id)));
  return found.map((one) => one && Number(one.entry.sequence));
};
const given = async () => Number((await parts.testDatabase.admin("SELECT sequence FROM audit.head"))[0]?.["sequence"]);

describe("events that are recorded together", () => {
  test("follow each other in the order given, each once, also when one comes twice or again", async () => {
    const before = await given();
    const [one, two, three] = [newEvent(), newEvent(), newEvent()];
    await record([one, two, one, three, two]);
    await record([three, one]);
    expect(await sequences([one, two, three])).toEqual([before + 1, before + 2, before + 3]);
    expect(await given()).toBe(before + 3);
  });

  test("are recorded all or none", async () => {
    const before = await given();
    const [fine, bad] = [newEvent(), newEvent({ type: "with \u0000" })];
    await expect(record([fine, bad])).rejects.toThrow();
    expect(await sequences([fine])).toEqual([undefined]);
    expect(await given()).toBe(before);
    await record([fine]);
    expect(await sequences([fine])).toEqual([before + 1]);
  });

  test("share a transaction with others and with calls, and a bad one takes none of them along", async () => {
    const arrays = Array.from({ length: 6 }, () => [newEvent(), newEvent()]);
    (arrays[3]?.[1] as BusMessage).type = "with \u0000";
    const entry = newEntry();
    const [outcomes, recorded] = await Promise.all([
      Promise.allSettled(arrays.map(record)),
      parts.recorder.record(entry),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual([
      "fulfilled",
      "fulfilled",
      "fulfilled",
      "rejected",
      "fulfilled",
      "fulfilled",
    ]);
    expect((await parts.entries.get(entry.id))?.entry.sequence).toBe(recorded.sequence);
    const stored = await sequences(arrays.flat());
    expect(stored.filter((sequence) => sequence === undefined)).toHaveLength(2);
    await parts.integrateAll();
    const checkpoint = await parts.checkpoint();
    expect((await auditTree(parts.testDatabase.adminUrl, checkpoint ? [checkpoint] : [])).size).toBe(await given());
  });

  test("have an erasure among them: what is about the user cannot be read, before it and behind it", async () => {
    const about = (userId: string) => newEvent({ actor: `user:${userId}`, subject: `users/${userId}` });
    const erasedEvent = (userId: string) =>
      newEvent({
        ...{
          source: "identity",
          topic: userTopic,
          type: UserErasedSchema.typeName,
          subject: `users/${userId}`,
          key: userId,
        },
        data: toBinary(UserErasedSchema, create(UserErasedSchema, { userId })),
      });
    const [before, other, erased, behind] = [about("gone"), about("stays"), erasedEvent("gone"), about("gone")];
    await record([before, other, erased, behind]);
    await record([behind, erased]);
    while (await parts.erasure.round()) {}
    const read = async ({ id }: BusMessage) => (await parts.entries.get(id))?.entry;
    for (const one of [before, behind]) expect(await read(one)).toMatchObject({ personalData: "erased", actor: "" });
    expect(await read(other)).toMatchObject({ personalData: "readable", actor: "user:stays" });
    const found = await parts.entries.list({ actor: "user:gone" }, { before: undefined, limit: 10 });
    expect(found).toEqual([]);
    const confirmations = await parts.testDatabase.admin("SELECT key FROM audit.outbox WHERE key = 'gone'");
    expect(confirmations).toHaveLength(1);
    const keys = await parts.testDatabase.admin(
      `SELECT k.wrapped FROM audit.sealed_entry e JOIN audit.subject_key k ON k.id = e.who_key
       WHERE e.id IN ('${before.id}', '${behind.id}')`,
    );
    expect(keys.map((key) => key["wrapped"])).toEqual([null, null]);
  });
});

test("the same call at the same time is recorded once, and both hear the same", async () => {
  const entry = newEntry();
  const [one, two] = await Promise.all([parts.recorder.record(entry), parts.recorder.record(entry)]);
  expect(two).toEqual(one);
  expect(await parts.recorder.record(entry)).toMatchObject({ sequence: one.sequence });
});

test("an id in upper-case letters is the same id, and its entry can be opened", async () => {
  const entry = newEntry();
  const recorded = await parts.recorder.record({ ...entry, id: entry.id.toUpperCase() });
  expect(recorded.id).toBe(entry.id);
  expect((await parts.entries.get(entry.id))?.entry).toMatchObject({ personalData: "readable", actor: "user:ada" });
  expect((await parts.recorder.record(entry)).sequence).toBe(recorded.sequence);
});

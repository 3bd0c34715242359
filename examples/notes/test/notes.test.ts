import { fromBinary } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { UserDataErasedSchema, UserErasedSchema } from "@plinth/proto/plinth/identity/v1/events";
import { erasureTopic, userTopic } from "@plinth/service";
import { eventually } from "@plinth/testing";
import { type As, type PublishedEvent, type ServiceFixture, startService } from "@plinth/testing/service";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NoteCreatedSchema, NoteSharedSchema } from "../gen/notes/v1/events_pb.ts";
import { NotesService } from "../gen/notes/v1/notes_pb.ts";
import { notes } from "../src/app.ts";
import { model } from "../src/authz/model.ts";
import { createAuthzPeer } from "./authz-peer.ts";

const ann = "01920000-0000-7000-8000-00000000000a";
const bob = "01920000-0000-7000-8000-00000000000b";
const unknownId = "01920000-0000-7000-8000-0000000000ff";
const authz = createAuthzPeer();
let service: ServiceFixture;

beforeAll(async () => {
  service = await startService({
    definition: notes,
    migrations: `${import.meta.dirname}/../migrations`,
    peers: [authz.routes],
  });
});
afterAll(() => service.stop());

type NotesClient = Client<typeof NotesService>;
const client = (as: As): Promise<NotesClient> => service.client(NotesService, as);
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (err: unknown) => (err instanceof ConnectError ? Code[err.code] : err),
  );
const create = async (userId: string, title = "Shopping", text = "milk") =>
  (await client({ userId })).createNote({ title, text });
const eventsOf = async (id: string) =>
  (await service.published("notes.note.v1")).filter(({ subject }) => subject === `notes/${id}`);

describe("access", () => {
  const calls: Record<keyof typeof NotesService.method, (c: NotesClient, id: string) => Promise<unknown>> = {
    createNote: (c) => c.createNote({ title: "t" }),
    listNotes: (c) => c.listNotes({}),
    getNote: (c, id) => c.getNote({ id }),
    shareNote: (c, id) => c.shareNote({ id, userId: bob }),
    deleteNote: (c, id) => c.deleteNote({ id }),
  };

  test.each(Object.entries(calls))("%s needs a signed-in user", async (_, call) => {
    const { id } = await create(ann);
    expect(await codeOf(call(await client({}), id))).toBe("Unauthenticated");
    expect(await codeOf(call(await client({ workload: "billing" }), id))).toBe("PermissionDenied");
  });

  test.each(["getNote", "shareNote", "deleteNote"] as const)("%s is refused to others", async (rpc) => {
    const { id } = await create(ann);
    expect(await codeOf(calls[rpc](await client({ userId: bob }), id))).toBe("PermissionDenied");
  });

  test("a viewer can read and nothing else", async () => {
    const { id } = await create(ann);
    await (await client({ userId: ann })).shareNote({ id, userId: bob });
    const asBob = await client({ userId: bob });
    expect((await asBob.getNote({ id })).text).toBe("milk");
    expect(await codeOf(asBob.shareNote({ id, userId: bob }))).toBe("PermissionDenied");
    expect(await codeOf(asBob.deleteNote({ id }))).toBe("PermissionDenied");
  });

  test("an unknown note is refused like somebody else's", async () => {
    expect(await codeOf((await client({ userId: ann })).getNote({ id: unknownId }))).toBe("PermissionDenied");
  });

  test("nothing is allowed, created or shared while authz is away", async () => {
    const note = await create(ann);
    const asAnn = await client({ userId: ann });
    const before = (await asAnn.listNotes({ pageSize: 100 })).notes.length;
    authz.setAway(true);
    expect(await codeOf(asAnn.getNote({ id: note.id }))).toBe("Unavailable");
    expect(await codeOf(asAnn.createNote({ title: "t" }))).toBe("Unavailable");
    authz.setAway(false);
    expect((await asAnn.listNotes({ pageSize: 100 })).notes).toHaveLength(before);
    expect(await codeOf(asAnn.getNote({ id: note.id }))).toBe("ok");
  });
});

describe("notes", () => {
  test("a note can be read by its owner as it was written", async () => {
    const created = await create(ann, "'; DROP TABLE note; --", "ünïcode\n");
    expect(created).toMatchObject({ ownerId: ann, title: "'; DROP TABLE note; --", text: "ünïcode\n" });
    expect(await (await client({ userId: ann })).getNote({ id: created.id })).toEqual(created);
    expect(authz.relationships()).toContain(`note:${created.id}#owner@user:${ann}`);
  });

  test.each([
    ["no title", { title: "" }],
    ["a long title", { title: "x".repeat(201) }],
    ["a long text", { title: "t", text: "x".repeat(65_537) }],
  ])("refuses %s", async (_, request) => {
    expect(await codeOf((await client({ userId: ann })).createNote(request))).toBe("InvalidArgument");
  });

  test("lists own and shared notes, newest first, in pages that new notes do not move", async () => {
    const [cat, dan] = ["01920000-0000-7000-8000-00000000000c", "01920000-0000-7000-8000-00000000000d"];
    const one = await create(cat, "one");
    await create(cat, "not shared");
    const two = await create(dan, "two");
    await (await client({ userId: cat })).shareNote({ id: one.id, userId: dan });
    const asDan = await client({ userId: dan });
    const first = await asDan.listNotes({ pageSize: 1 });
    await create(dan, "three");
    const second = await asDan.listNotes({ pageSize: 1, pageToken: first.nextPageToken });
    expect([first, second].map((page) => page.notes)).toEqual([[two], [one]]);
    expect(second.nextPageToken).toBe("");
    expect(await codeOf(asDan.listNotes({ pageToken: "nonsense" }))).toBe("InvalidArgument");
  });

  test("deleting a note takes every right on it away", async () => {
    const { id } = await create(ann);
    const asAnn = await client({ userId: ann });
    await asAnn.shareNote({ id, userId: bob });
    await asAnn.deleteNote({ id });
    await eventually(() => expect(authz.relationships().filter((key) => key.includes(id))).toEqual([]));
    expect(await codeOf(asAnn.getNote({ id }))).toBe("PermissionDenied");
    expect((await asAnn.listNotes({ pageSize: 100 })).notes.map((note) => note.id)).not.toContain(id);
  });
});

describe("events", () => {
  test("each change is published once, with who did it", async () => {
    const { id } = await create(ann);
    const asAnn = await client({ userId: ann });
    await asAnn.shareNote({ id, userId: bob });
    await asAnn.shareNote({ id, userId: bob });
    await asAnn.deleteNote({ id });
    const events = await eventually(async () => {
      const found = await eventsOf(id);
      expect(found.map(({ type }) => type)).toEqual([
        "notes.v1.NoteCreated",
        "notes.v1.NoteShared",
        "notes.v1.NoteDeleted",
      ]);
      return found;
    });
    expect(new Set(events.map(({ actor }) => actor))).toEqual(new Set([`user:${ann}`]));
    expect(fromBinary(NoteCreatedSchema, events[0]?.data ?? new Uint8Array())).toMatchObject({
      noteId: id,
      ownerId: ann,
    });
    expect(fromBinary(NoteSharedSchema, events[1]?.data ?? new Uint8Array())).toMatchObject({
      noteId: id,
      userId: bob,
    });
  });
});

describe("from where and through whom", () => {
  const forged = {
    "x-plinth-client-address": "203.0.113.66",
    "x-forwarded-for": "203.0.113.66",
    "x-plinth-via": "auth",
  };
  const toldOf = async (as: As) => {
    const { id } = await (await client({ userId: ann, ...as })).createNote({ title: "t" });
    const [event] = await eventually(async () => {
      const found = await eventsOf(id);
      expect(found).toHaveLength(1);
      return found;
    });
    const { actor, clientAddress, via } = event as PublishedEvent;
    return { actor, clientAddress, via };
  };
  const actor = `user:${ann}`;

  test("a call through the gateway: where the gateway saw the caller", async () => {
    const as = { workload: "gateway", headers: { "x-plinth-client-address": "203.0.113.9" } };
    expect(await toldOf(as)).toEqual({ actor, clientAddress: "203.0.113.9", via: null });
  });

  test("a client that says it itself is not believed", async () => {
    expect(await toldOf({ headers: forged })).toEqual({ actor, clientAddress: "127.0.0.1", via: null });
  });

  test("a service that acts for the user is named, and not believed either", async () => {
    expect(await toldOf({ workload: "billing", headers: forged })).toEqual({
      actor,
      clientAddress: null,
      via: "billing",
    });
  });
});

describe("erasure", () => {
  const erase = (userId: string, id?: string, source = "identity") =>
    service.publish({
      ...{ source, topic: userTopic, key: userId, schema: UserErasedSchema, message: { userId } },
      ...(id === undefined ? {} : { id }),
    });
  const confirmations = async (userId: string) =>
    (await service.published(erasureTopic))
      .map(({ data }) => fromBinary(UserDataErasedSchema, data))
      .filter((event) => event.userId === userId)
      .map(({ removed }) => removed);

  test("removes the user's notes, in more than one step, and what was shared with the user; confirms once", {
    timeout: 300_000,
  }, async () => {
    const [eve, fay] = ["01920000-0000-7000-8000-00000000000e", "01920000-0000-7000-8000-0000000000fa"];
    const kept = await create(fay, "kept");
    await (await client({ userId: fay })).shareNote({ id: kept.id, userId: eve });
    const own = await create(eve, "own");
    await (await client({ userId: eve })).shareNote({ id: own.id, userId: fay });
    await service.database.admin(
      `INSERT INTO notes.note SELECT gen_random_uuid(), '${eve}', 'more', '', now() FROM generate_series(1, 249)`,
    );
    // Somebody else's word changes nothing; the messages of one key come in order.
    await erase(eve, undefined, "billing");
    const id = await erase(eve);
    // Some statements for each of them.
    await eventually(async () => expect(await confirmations(eve)).toEqual([{ notes: 250n, shares: 1n }]), 180_000);
    await erase(eve, id);
    await erase(unknownId);
    await eventually(async () => expect(await confirmations(unknownId)).toEqual([{ notes: 0n, shares: 0n }]));
    expect(await confirmations(eve)).toHaveLength(1);
    const left = await service.database.admin("SELECT id FROM notes.note WHERE title IN ('own', 'more', 'kept')");
    expect(left).toEqual([{ id: kept.id }]);
    const shares = await service.database.admin(`SELECT FROM notes.note_viewer WHERE user_id IN ('${eve}', '${fay}')`);
    expect(shares).toEqual([]);
    expect((await eventsOf(own.id)).map(({ type }) => type)).toContain("notes.v1.NoteDeleted");
    await eventually(() => expect(authz.relationships().filter((key) => key.includes(own.id))).toEqual([]));
  });
});

describe("permission model", () => {
  test("reaches authz before the service is ready", async () => {
    await eventually(async () => expect((await fetch(`${service.adminUrl}/readyz`)).status).toBe(200));
    expect(authz.modules.get("notes")).toBe(model);
  });

  test("a service that starts while authz is away becomes ready once it is back", async () => {
    const late = createAuthzPeer();
    late.setAway(true);
    const other = await startService({
      definition: notes,
      migrations: `${import.meta.dirname}/../migrations`,
      peers: [late.routes],
    });
    try {
      const ready = () => fetch(`${other.adminUrl}/readyz`);
      await eventually(async () => expect(await (await ready()).text()).toContain("authz is away"));
      late.setAway(false);
      await eventually(async () => expect((await ready()).status).toBe(200));
      expect(late.modules.get("notes")).toBe(model);
    } finally {
      await other.stop();
    }
  });
});

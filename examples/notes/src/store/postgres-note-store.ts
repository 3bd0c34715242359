import type { Database } from "@plinth/postgres";
import { and, desc, eq, inArray, lt, or } from "drizzle-orm";
import { noteNotFound } from "../domain/note.ts";
import { noteDeleted } from "../events/note-events.ts";
import type { NoteStore } from "./note-store.ts";
import { noteTable, viewerTable } from "./schema.ts";

export function createPostgresNoteStore(database: Database): NoteStore {
  return {
    insert: (note, event, context) =>
      database.transaction(async (tx) => {
        await tx.drizzle.insert(noteTable).values(note);
        await event(tx, context);
      }),

    async get(id) {
      const [note] = await database.drizzle.select().from(noteTable).where(eq(noteTable.id, id));
      if (!note) throw noteNotFound(id);
      return note;
    },

    list(userId, { before, limit }) {
      const shared = database.drizzle
        .select({ id: viewerTable.noteId })
        .from(viewerTable)
        .where(eq(viewerTable.userId, userId));
      const visible = or(eq(noteTable.ownerId, userId), inArray(noteTable.id, shared));
      return database.drizzle
        .select()
        .from(noteTable)
        .where(and(visible, before === undefined ? undefined : lt(noteTable.id, before)))
        .orderBy(desc(noteTable.id))
        .limit(limit);
    },

    addViewer: (id, userId, event, context) =>
      database.transaction(async (tx) => {
        // The lock keeps a deletion away until the viewer is stored.
        const [note] = await tx.drizzle.select().from(noteTable).where(eq(noteTable.id, id)).for("key share");
        if (!note) throw noteNotFound(id);
        const added = await tx.drizzle
          .insert(viewerTable)
          .values({ noteId: id, userId })
          .onConflictDoNothing()
          .returning();
        if (added.length > 0) await event(tx, context);
      }),

    delete: (id, event, context) =>
      database.transaction(async (tx) => {
        const deleted = await tx.drizzle.delete(noteTable).where(eq(noteTable.id, id)).returning({ id: noteTable.id });
        if (deleted.length === 0) throw noteNotFound(id);
        await event(tx, context);
      }),

    async eraseIn(tx, userId, limit, context) {
      const some = tx.drizzle
        .select({ id: noteTable.id })
        .from(noteTable)
        .where(eq(noteTable.ownerId, userId))
        .limit(limit);
      const notes = await tx.drizzle
        .delete(noteTable)
        .where(inArray(noteTable.id, some))
        .returning({ id: noteTable.id });
      for (const { id } of notes) await noteDeleted({ noteId: id })(tx, context);
      const shares = await tx.drizzle.delete(viewerTable).where(eq(viewerTable.userId, userId)).returning();
      return { notes: notes.length, shares: shares.length };
    },
  };
}

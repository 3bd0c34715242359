import { contextOf, type EventBus } from "@plinth/bus";
import type { Component } from "@plinth/kernel";
import { type Database, markHandled } from "@plinth/postgres";
import { confirmErasure, erasedUserOf, userTopic } from "@plinth/service";
import type { NoteStore } from "../store/note-store.ts";

const consumer = "notes-erasure";
/** Notes removed in one transaction. */
const notesAtOnceMax = 100;

/**
 * Removes what this service holds about an erased user, some of it in each transaction; the last one confirms. A delivery
 * after a crash goes on with what is left, and one after that finds the message handled.
 */
export function onUserErased(bus: EventBus, database: Database, store: NoteStore): Component {
  return bus.subscribe({
    group: consumer,
    topics: [userTopic],
    async handle(message, signal) {
      const userId = erasedUserOf(message);
      if (userId === undefined) return;
      let before = { notes: 0, shares: 0 };
      for (let more = true; more; ) {
        signal.throwIfAborted();
        const step = await database.transaction(async (tx) => {
          const now = await store.eraseIn(tx, userId, notesAtOnceMax, contextOf(message));
          const removed = { notes: before.notes + now.notes, shares: before.shares + now.shares };
          const last = now.notes < notesAtOnceMax;
          if (last && (await markHandled(tx, consumer, message.id)))
            await confirmErasure(tx, { userId, removed }, contextOf(message));
          return { removed, last };
        });
        before = step.removed;
        more = !step.last;
      }
    },
  });
}

import type { EventContext } from "@plinth/bus";
import type { Transaction } from "@plinth/postgres";
import type { Note } from "../domain/note.ts";
import type { NoteEvent } from "../events/note-events.ts";

/** Notes. Duty: a write and its event are one transaction. An id that is not there is Fault not_found. */
export interface NoteStore {
  insert(note: Note, event: NoteEvent, context: EventContext): Promise<void>;
  get(id: string): Promise<Note>;
  /** Notes that the user owns or can see, newest first, only those older than the note `before`. */
  list(userId: string, page: { before: string | undefined; limit: number }): Promise<Note[]>;
  /** Remembers a viewer; one who is known already changes nothing and publishes nothing. */
  addViewer(id: string, userId: string, event: NoteEvent, context: EventContext): Promise<void>;
  delete(id: string, event: NoteEvent, context: EventContext): Promise<void>;
  /**
   * Removes up to `limit` of the user's own notes, each with its event and with whom it was shared with, and what others
   * have shared with the user. Returns how many of each.
   */
  eraseIn(
    tx: Transaction,
    userId: string,
    limit: number,
    context: EventContext,
  ): Promise<{ notes: number; shares: number }>;
}

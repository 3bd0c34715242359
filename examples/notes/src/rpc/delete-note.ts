import type { Handler } from "@plinth/rpc";
import type { NotesService } from "../../gen/notes/v1/notes_pb.ts";
import { noteDeleted } from "../events/note-events.ts";
import type { NoteStore } from "../store/note-store.ts";

/** The rights go with the event: see events/on-note-deleted.ts. */
export function deleteNote(store: NoteStore): Handler<typeof NotesService.method.deleteNote> {
  return async ({ id }, call) => {
    await store.delete(id, noteDeleted({ noteId: id }), call);
    return {};
  };
}

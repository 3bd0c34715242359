import type { Handler } from "@plinth/rpc";
import type { NotesService } from "../../gen/notes/v1/notes_pb.ts";
import type { NoteRights } from "../authz/note-rights.ts";
import { noteShared } from "../events/note-events.ts";
import type { NoteStore } from "../store/note-store.ts";

export function shareNote(store: NoteStore, rights: NoteRights): Handler<typeof NotesService.method.shareNote> {
  return async ({ id, userId }, call) => {
    await rights.grant(id, "viewer", userId, call);
    await store.addViewer(id, userId, noteShared({ noteId: id, userId }), call);
    return {};
  };
}

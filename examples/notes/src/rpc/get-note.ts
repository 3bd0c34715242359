import type { Handler } from "@plinth/rpc";
import type { NotesService } from "../../gen/notes/v1/notes_pb.ts";
import type { NoteStore } from "../store/note-store.ts";
import { noteToMessage } from "./note-message.ts";

export function getNote(store: NoteStore): Handler<typeof NotesService.method.getNote> {
  return async ({ id }) => noteToMessage(await store.get(id));
}

import type { Clock, Random } from "@plinth/kernel";
import type { Handler } from "@plinth/rpc";
import type { NotesService } from "../../gen/notes/v1/notes_pb.ts";
import type { NoteRights } from "../authz/note-rights.ts";
import { noteCreated } from "../events/note-events.ts";
import type { NoteStore } from "../store/note-store.ts";
import { callingUser } from "./calling-user.ts";
import { noteToMessage } from "./note-message.ts";

export interface CreateNoteDeps {
  store: NoteStore;
  rights: NoteRights;
  clock: Clock;
  random: Random;
}

export function createNote(deps: CreateNoteDeps): Handler<typeof NotesService.method.createNote> {
  const { store, rights, clock, random } = deps;
  return async ({ title, text }, call) => {
    const ownerId = callingUser(call);
    const now = clock.now();
    const note = { id: random.uuidv7(now), ownerId, title, text, createTime: new Date(now) };
    await rights.grant(note.id, "owner", ownerId, call);
    await store.insert(note, noteCreated({ noteId: note.id, ownerId }), call);
    return noteToMessage(note);
  };
}

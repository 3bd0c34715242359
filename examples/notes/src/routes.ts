import type { Clock, Random } from "@plinth/kernel";
import { access, defineService, type ServiceRoutes } from "@plinth/rpc";
import { NotesService } from "../gen/notes/v1/notes_pb.ts";
import { type NoteRights, noteObject } from "./authz/note-rights.ts";
import { createNote } from "./rpc/create-note.ts";
import { deleteNote } from "./rpc/delete-note.ts";
import { getNote } from "./rpc/get-note.ts";
import { listNotes } from "./rpc/list-notes.ts";
import { shareNote } from "./rpc/share-note.ts";
import type { NoteStore } from "./store/note-store.ts";

export interface NotesDeps {
  store: NoteStore;
  rights: NoteRights;
  clock: Clock;
  random: Random;
}

const anyUser = access.self(() => "");
const may = (relation: string) => access.permission(relation, (request: { id: string }) => noteObject(request.id));

/** The whole API: who may call what, and what answers. */
export const routes = (deps: NotesDeps): ServiceRoutes => {
  const { store, rights } = deps;
  return defineService(NotesService, {
    createNote: { access: anyUser, handle: createNote(deps) },
    getNote: { access: may("can_read"), handle: getNote(store) },
    listNotes: { access: anyUser, handle: listNotes(store) },
    shareNote: { access: may("can_share"), handle: shareNote(store, rights) },
    deleteNote: { access: may("can_delete"), handle: deleteNote(store) },
  });
};

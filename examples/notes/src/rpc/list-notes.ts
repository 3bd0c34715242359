import { decodePageToken, encodePageToken, uuidForm } from "@plinth/kernel";
import type { Handler } from "@plinth/rpc";
import type { NotesService } from "../../gen/notes/v1/notes_pb.ts";
import type { NoteStore } from "../store/note-store.ts";
import { callingUser } from "./calling-user.ts";
import { noteToMessage } from "./note-message.ts";

const defaultPageSize = 20;

export function listNotes(store: NoteStore): Handler<typeof NotesService.method.listNotes> {
  return async ({ pageSize, pageToken }, call) => {
    const limit = pageSize || defaultPageSize;
    // One more than asked for tells whether there is another page.
    const user = callingUser(call);
    const before = decodePageToken(["notes", user], pageToken, uuidForm);
    const found = await store.list(user, { before, limit: limit + 1 });
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      notes: page.map(noteToMessage),
      nextPageToken: found.length > limit && last ? encodePageToken(["notes", user], last.id) : "",
    };
  };
}

import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { appendEvent, type EventContext } from "@plinth/bus";
import type { Transaction } from "@plinth/postgres";
import { NoteCreatedSchema, NoteDeletedSchema, NoteSharedSchema } from "../../gen/notes/v1/events_pb.ts";

/** One of this service's facts, ready to be written into the outbox. */
export type NoteEvent = (tx: Transaction, context: EventContext) => Promise<unknown>;

export const noteTopic = "notes.note.v1";

const noteEvent =
  <S extends DescMessage>(schema: S) =>
  (message: MessageInitShape<S> & { noteId: string }): NoteEvent =>
  (tx, context) =>
    appendEvent(tx, {
      topic: noteTopic,
      key: message.noteId,
      subject: `notes/${message.noteId}`,
      schema,
      message,
      context,
    });

export const noteCreated = noteEvent(NoteCreatedSchema);
export const noteShared = noteEvent(NoteSharedSchema);
export const noteDeleted = noteEvent(NoteDeletedSchema);

import { fromBinary } from "@bufbuild/protobuf";
import type { EventBus } from "@plinth/bus";
import type { Component } from "@plinth/kernel";
import { NoteDeletedSchema } from "../../gen/notes/v1/events_pb.ts";
import type { NoteRights } from "../authz/note-rights.ts";
import { noteTopic } from "./note-events.ts";

/**
 * Takes all rights away once a note is gone. An event that comes twice finds nothing left to do, so this consumer needs
 * no inbox; one with an effect in the own database marks each event with `markHandled` of @plinth/postgres.
 */
export function onNoteDeleted(bus: EventBus, rights: NoteRights): Component {
  return bus.subscribe({
    group: "notes-rights",
    topics: [noteTopic],
    async handle(event, signal) {
      if (event.type !== NoteDeletedSchema.typeName) return;
      await rights.revokeAll(fromBinary(NoteDeletedSchema, event.data).noteId, signal);
    },
  });
}

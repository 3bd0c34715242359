import type { Client } from "@connectrpc/connect";
import { forward } from "@plinth/clients";
import type { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import type { CallContext } from "@plinth/rpc";

/**
 * Who may do what with a note. Notes and rights live in two services, so no transaction covers both. The order makes
 * every crash harmless:
 *
 * - A right is given *before* the note's own transaction. What can remain is a right on a note that was never stored:
 *   its id is never used again, so the right opens nothing. It is not taken back on failure, because a commit whose
 *   answer got lost would then leave a note that its owner cannot open. Whoever gets an answer can use the note at once.
 * - Rights are taken away *after* the transaction that deletes the note, by the event that it wrote
 *   (events/on-note-deleted.ts). The event cannot get lost; until it is handled there is nothing left to open.
 *
 * Every write is idempotent: a repeated call or event changes nothing.
 */
export interface NoteRights {
  /** Throws Fault unavailable when authz is away. */
  grant(noteId: string, relation: "owner" | "viewer", userId: string, call: CallContext): Promise<void>;
  /** Removes all rights on the note, whoever has them. */
  revokeAll(noteId: string, signal: AbortSignal): Promise<void>;
}

/** How authz calls a note. */
export const noteObject = (noteId: string): string => `note:${noteId}`;

/** Relationships removed in one call; authz takes at most 100. */
const batchMax = 100;

export function createAuthzNoteRights(authz: Client<typeof AuthzService>): NoteRights {
  return {
    async grant(noteId, relation, userId, call) {
      const right = { object: noteObject(noteId), relation, subject: `user:${userId}` };
      // The user's token goes along, so that the audit log names the user and not this service.
      await authz.writeRelationships({ writes: [right], idempotent: true }, forward(call));
    },

    async revokeAll(noteId, signal) {
      for (;;) {
        const filter = { object: noteObject(noteId) };
        const { relationships } = await authz.readRelationships({ filter, pageSize: batchMax }, { signal });
        if (relationships.length === 0) return;
        await authz.writeRelationships({ deletes: relationships, idempotent: true }, { signal });
      }
    },
  };
}

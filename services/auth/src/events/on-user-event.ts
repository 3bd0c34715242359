import { fromBinary } from "@bufbuild/protobuf";
import { type BusMessage, contextOf, type EventBus } from "@plinth/bus";
import type { Component } from "@plinth/kernel";
import { type Database, markHandled } from "@plinth/postgres";
import {
  PasswordChangedSchema,
  UserCreatedSchema,
  UserDeletedSchema,
  UserErasedSchema,
  UserErasureCompletedSchema,
  UserRestoredSchema,
  UserUpdatedSchema,
} from "@plinth/proto/plinth/identity/v1/events";
import { UserState } from "@plinth/proto/plinth/identity/v1/identity";
import { confirmErasure, erasedUserOf, userTopic } from "@plinth/service";
import type { RevokeReason } from "../domain/session.ts";
import type { SessionStore } from "../store/session-store.ts";

const consumer = "auth";

/** Known, and no reason to end sessions; a type of later days is neither. */
const ofNoConcern = new Set<string>([
  UserCreatedSchema.typeName,
  UserUpdatedSchema.typeName,
  UserRestoredSchema.typeName,
  UserErasureCompletedSchema.typeName,
]);

/** Ends the sessions of users who were disabled or deleted or whose password changed; forgets those of erased users. */
export function onUserEvent(bus: EventBus, database: Database, sessions: SessionStore): Component {
  return bus.subscribe({
    group: consumer,
    topics: [userTopic],
    async handle(message) {
      const end = sessionsToEnd(message);
      if (!end) return ofNoConcern.has(message.type) ? undefined : "skipped";
      await database.transaction(async (tx) => {
        if (!(await markHandled(tx, consumer, message.id))) return;
        await sessions.revokeIn(tx, { userId: end.userId, except: end.except }, end.reason, contextOf(message));
        const erased = erasedUserOf(message);
        if (erased === undefined) return;
        const removed = { sessions: await sessions.eraseIn(tx, erased) };
        await confirmErasure(tx, { userId: erased, removed }, message);
      });
    },
  });
}

/** Only identity's word counts. */
function sessionsToEnd({
  source,
  type,
  data,
}: BusMessage): { userId: string; except?: string; reason: RevokeReason } | undefined {
  if (source !== "identity") return undefined;
  switch (type) {
    case UserUpdatedSchema.typeName: {
      const { userId, state } = fromBinary(UserUpdatedSchema, data);
      return state === UserState.DISABLED ? { userId, reason: "user_disabled" } : undefined;
    }
    case UserDeletedSchema.typeName:
      return { userId: fromBinary(UserDeletedSchema, data).userId, reason: "user_deleted" };
    case UserErasedSchema.typeName:
      return { userId: fromBinary(UserErasedSchema, data).userId, reason: "user_deleted" };
    case PasswordChangedSchema.typeName: {
      const { userId, keptSessionId } = fromBinary(PasswordChangedSchema, data);
      return { userId, reason: "password_changed", ...(keptSessionId ? { except: keptSessionId } : {}) };
    }
    default:
      return undefined;
  }
}

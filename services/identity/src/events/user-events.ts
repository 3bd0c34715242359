import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { appendEvent, type EventContext } from "@plinth/bus";
import type { Transaction } from "@plinth/postgres";
import {
  PasswordChangedSchema,
  UserCreatedSchema,
  UserDeletedSchema,
  UserErasedSchema,
  UserErasureCompletedSchema,
  UserRestoredSchema,
  UserUpdatedSchema,
} from "@plinth/proto/plinth/identity/v1/events";

import { userTopic } from "@plinth/service";

/** One of this service's facts, ready to be written into the outbox. */
export type UserEvent = (tx: Transaction, context: EventContext) => Promise<unknown>;

const userEvent =
  <S extends DescMessage>(schema: S) =>
  (message: MessageInitShape<S> & { userId: string }): UserEvent =>
  (tx, context) =>
    appendEvent(tx, {
      topic: userTopic,
      key: message.userId,
      subject: `users/${message.userId}`,
      schema,
      message,
      context,
    });

export const userCreated = userEvent(UserCreatedSchema);
export const userUpdated = userEvent(UserUpdatedSchema);
export const userDeleted = userEvent(UserDeletedSchema);
export const userRestored = userEvent(UserRestoredSchema);
export const userErased = userEvent(UserErasedSchema);
export const userErasureCompleted = userEvent(UserErasureCompletedSchema);
export const passwordChanged = userEvent(PasswordChangedSchema);

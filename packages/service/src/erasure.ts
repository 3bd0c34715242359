import { fromBinary } from "@bufbuild/protobuf";
import { appendEvent, type BusMessage, type EventContext } from "@plinth/bus";
import type { Transaction } from "@plinth/postgres";
import { UserDataErasedSchema, UserErasedSchema } from "@plinth/proto/plinth/identity/v1/events";

/** Topic of identity's facts about users. */
export const userTopic = "identity.user.v1";
/** Where services tell that nothing about an erased user is left in them. */
export const erasureTopic = "identity.erasure.v1";

/**
 * The id of the user whom identity has erased; undefined for every other message. Only identity says so: an event of that
 * name from somebody else is just an event.
 */
export function erasedUserOf({ topic, source, type, data }: BusMessage): string | undefined {
  if (topic !== userTopic || source !== "identity" || type !== UserErasedSchema.typeName) return undefined;
  return fromBinary(UserErasedSchema, data).userId;
}

export interface ErasureConfirmation {
  userId: string;
  /** How much of what was removed, for example `{ sessions: 3 }`. */
  removed: Readonly<Record<string, number>>;
}

/** Confirms an erasure, in the transaction that removes the last of what the service holds about the user. */
export async function confirmErasure(
  tx: Transaction,
  { userId, removed }: ErasureConfirmation,
  cause: EventContext,
): Promise<void> {
  const counts = Object.fromEntries(Object.entries(removed).map(([what, count]) => [what, BigInt(count)]));
  await appendEvent(tx, {
    topic: erasureTopic,
    key: userId,
    subject: `users/${userId}`,
    schema: UserDataErasedSchema,
    message: { userId, removed: counts },
    context: cause,
  });
}

import { formatToken } from "../domain/consistency-token.ts";
import { limits } from "../domain/limits.ts";
import type { RelationshipFilter } from "../domain/relationship/relationship-filter.ts";
import type { EventOrigin } from "../events/authz-event.ts";
import type { AuthzStore } from "../store/authz-store.ts";

/** What a user is to others, and what others are to the user. */
const filtersOf = (id: string): RelationshipFilter[] => {
  const any = { objectType: undefined, objectId: undefined, relation: undefined, subject: undefined };
  return [
    { ...any, subject: { type: "user", id, relation: undefined } },
    { ...any, objectType: "user", objectId: id },
  ];
};

/**
 * Removes every relationship of a user, a bounded number in each change, each published as any other change is. The last
 * change removes nothing and confirms the erasure.
 */
export async function eraseUser(store: AuthzStore, userId: string, origin: EventOrigin): Promise<void> {
  let relationships = 0;
  let removed: number;
  do {
    removed = await store.change("exclusive", async (change) => {
      const lists = [];
      for (const filter of filtersOf(userId)) lists.push(await change.list(filter, undefined, limits.changesMax));
      const deleted = await change.remove(lists.flat().slice(0, limits.changesMax));
      if (deleted.length === 0) {
        await change.publish({ kind: "user erased", userId, relationships }, origin);
        return 0;
      }
      const consistencyToken = formatToken(change.token);
      await change.publish({ kind: "relationships changed", written: [], deleted, consistencyToken }, origin);
      return deleted.length;
    });
    relationships += removed;
  } while (removed > 0);
}

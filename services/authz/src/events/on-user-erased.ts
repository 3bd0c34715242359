import type { EventBus } from "@plinth/bus";
import type { Component } from "@plinth/kernel";
import { erasedUserOf, userTopic } from "@plinth/service";
import { eraseUser } from "../commands/erase-user.ts";
import type { AuthzStore } from "../store/authz-store.ts";

/** Removes the relationships of erased users. Doing it twice removes nothing the second time, so no inbox is needed. */
export function onUserErased(bus: EventBus, store: AuthzStore): Component {
  return bus.subscribe({
    group: "authz",
    topics: [userTopic],
    async handle(message) {
      const userId = erasedUserOf(message);
      if (userId !== undefined) await eraseUser(store, userId, message);
    },
  });
}

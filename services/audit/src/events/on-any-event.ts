import type { EventBus } from "@plinth/bus";
import type { Component } from "@plinth/kernel";
import { markHandled } from "@plinth/postgres";
import { confirmErasure, erasedUserOf } from "@plinth/service";
import type { EntryStore } from "../store/entry-store.ts";
import type { GroupCommit } from "../store/group-commit.ts";
import { entryOfEvent } from "./entry-of-event.ts";

const consumer = "audit";

/** Records every event of every domain, once. That a user was erased erases what is recorded about the user. */
export function onAnyEvent(bus: EventBus, commits: GroupCommit, entries: EntryStore): Component {
  return bus.subscribe({
    group: consumer,
    topics: ["*"],
    handle: (message) =>
      commits.run(async (tx) => {
        if (!(await markHandled(tx, consumer, message.id))) return;
        const erased = erasedUserOf(message);
        if (erased !== undefined) {
          await entries.eraseIn(tx, erased);
          await confirmErasure(tx, { userId: erased, removed: { keys: 1 } }, message);
        }
        // After it: that the user was erased is recorded, about whom is not.
        await entries.appendIn(tx, entryOfEvent(message));
      }),
  });
}

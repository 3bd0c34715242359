import type { EventBus } from "@plinth/bus";
import type { Component } from "@plinth/kernel";
import { type Database, markHandled } from "@plinth/postgres";
import type { EntryStore } from "../store/entry-store.ts";
import { entryOfEvent } from "./entry-of-event.ts";

const consumer = "audit";

/** Records every event of every domain, once. */
export function onAnyEvent(bus: EventBus, database: Database, entries: EntryStore): Component {
  return bus.subscribe({
    group: consumer,
    topics: ["*"],
    handle: (message) =>
      database.transaction(async (tx) => {
        if (await markHandled(tx, consumer, message.id)) await entries.appendIn(tx, entryOfEvent(message));
      }),
  });
}

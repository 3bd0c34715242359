import { fromBinary } from "@bufbuild/protobuf";
import type { BusMessage, EventBus } from "@plinth/bus";
import type { Component } from "@plinth/kernel";
import { type Database, markHandled } from "@plinth/postgres";
import { UserErasedSchema } from "@plinth/proto/plinth/identity/v1/events";
import type { EntryStore } from "../store/entry-store.ts";
import { entryOfEvent } from "./entry-of-event.ts";

const consumer = "audit";

/** Records every event of every domain, once. That a user was erased erases what is recorded about the user. */
export function onAnyEvent(bus: EventBus, database: Database, entries: EntryStore): Component {
  return bus.subscribe({
    group: consumer,
    topics: ["*"],
    handle: (message) =>
      database.transaction(async (tx) => {
        if (!(await markHandled(tx, consumer, message.id))) return;
        const erased = erasedUser(message);
        if (erased !== undefined) await entries.eraseIn(tx, erased);
        // After it: that the user was erased is recorded, about whom is not.
        await entries.appendIn(tx, entryOfEvent(message));
      }),
  });
}

/** Only identity says so: an event of that name by somebody else is just an event. */
function erasedUser({ topic, source, type, data }: BusMessage): string | undefined {
  if (topic !== "identity.user.v1" || source !== "identity" || type !== UserErasedSchema.typeName) return undefined;
  return fromBinary(UserErasedSchema, data).userId;
}

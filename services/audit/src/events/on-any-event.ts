import type { BusMessage, EventBus } from "@plinth/bus";
import type { Component } from "@plinth/kernel";
import { fitted } from "../domain/entry-limits.ts";
import { consumer, type Recorder } from "../recording/recorder.ts";
import { entryOfEvent } from "./entry-of-event.ts";

/** Records every event of every domain, once. That a user was erased erases what is recorded about the user. */
export function onAnyEvent(bus: EventBus, recorder: Recorder): Component {
  const record = (events: readonly BusMessage[]): Promise<void> =>
    recorder.recordEvents(events.map((event) => ({ entry: fitted(entryOfEvent(event), event.data), event })));
  return bus.subscribe({
    group: consumer,
    topics: ["*"],
    handle: (event) => record([event]),
    handleTogether: record,
  });
}

import { fromBinary } from "@bufbuild/protobuf";
import type { EventBus } from "@plinth/bus";
import type { Clock, Component } from "@plinth/kernel";
import { type Database, markHandled } from "@plinth/postgres";
import { UserDataErasedSchema } from "@plinth/proto/plinth/identity/v1/events";
import { erasureTopic } from "@plinth/service";
import { erasureOf } from "../domain/erasure.ts";
import type { ErasureStore } from "../store/erasure-store.ts";
import { userErasureCompleted } from "./user-events.ts";

const consumer = "identity";

export interface OnUserDataErasedOptions {
  bus: EventBus;
  database: Database;
  erasures: ErasureStore;
  /** Services that are expected to confirm. */
  expected: readonly string[];
  clock: Clock;
}

/** Notes which service has erased a user, and publishes it when all have. */
export function onUserDataErased({ bus, database, erasures, expected, clock }: OnUserDataErasedOptions): Component {
  return bus.subscribe({
    group: consumer,
    topics: [erasureTopic],
    async handle(event) {
      if (event.type !== UserDataErasedSchema.typeName) return "skipped";
      const { userId, removed } = fromBinary(UserDataErasedSchema, event.data);
      const counts = Object.fromEntries(Object.entries(removed).map(([what, count]) => [what, Number(count)]));
      const confirmation = { service: event.source, confirmTime: new Date(clock.now()), removed: counts };
      await database.transaction(async (tx) => {
        if (!(await markHandled(tx, consumer, event.id))) return;
        const all = await erasures.addIn(tx, userId, confirmation);
        if (!all || !expected.includes(event.source) || erasureOf(expected, all).completeTime === undefined) return;
        await userErasureCompleted({ userId, services: all.map(({ service }) => service).toSorted() })(tx, event);
      });
    },
  });
}

import { fromBinary } from "@bufbuild/protobuf";
import { Int32ValueSchema } from "@bufbuild/protobuf/wkt";
import { markAllHandled, markHandled, type Transaction } from "@plinth/postgres";
import type { BusMessage } from "../../src/index.ts";
import { runActor } from "./actor.ts";

const group = "notes";

async function note(tx: Transaction, { key, data }: BusMessage): Promise<void> {
  const { value } = fromBinary(Int32ValueSchema, data);
  await tx.query("INSERT INTO effect (key, n) VALUES ($1, $2)", [key, value]);
}

// Notes every change once, in a transaction with the inbox, alone or with what waits beside it.
await runActor(({ database, bus }) => [
  bus.subscribe({
    group,
    topics: ["shop.item.v1"],
    handle: (message) =>
      database.transaction(async (tx) => {
        if (await markHandled(tx, group, message.id)) await note(tx, message);
      }),
    handleTogether: (messages) =>
      database.transaction(async (tx) => {
        const left = await markAllHandled(
          tx,
          group,
          messages.map(({ id }) => id),
        );
        for (const message of messages) if (left.delete(message.id)) await note(tx, message);
      }),
  }),
]);

import { fromBinary } from "@bufbuild/protobuf";
import { Int32ValueSchema } from "@bufbuild/protobuf/wkt";
import { markAllHandled, markHandled, type Transaction } from "@plinth/postgres";
import type { BusMessage } from "../../src/index.ts";
import { runActor } from "./actor.ts";

const group = "notes";

/** Under which numbers each message came, however often. */
async function noteNumber(tx: Transaction, { id, sequence }: BusMessage): Promise<void> {
  await tx.query("INSERT INTO number (message_id, sequence) VALUES ($1, $2) ON CONFLICT DO NOTHING", [
    id,
    String(sequence),
  ]);
}

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
        await noteNumber(tx, message);
        if (await markHandled(tx, group, message.id)) await note(tx, message);
      }),
    handleTogether: (messages) =>
      database.transaction(async (tx) => {
        for (const message of messages) await noteNumber(tx, message);
        const left = await markAllHandled(
          tx,
          group,
          messages.map(({ id }) => id),
        );
        for (const message of messages) if (left.delete(message.id)) await note(tx, message);
      }),
  }),
]);

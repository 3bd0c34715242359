import { fromBinary } from "@bufbuild/protobuf";
import { Int32ValueSchema } from "@bufbuild/protobuf/wkt";
import { markHandled } from "@plinth/postgres";
import { runActor } from "./actor.ts";

// Notes every change once, in a transaction with the inbox, and under which numbers each message came, however often.
await runActor(({ database, bus }) => [
  bus.subscribe({
    group: "notes",
    topics: ["shop.item.v1"],
    handle: (message) =>
      database.transaction(async (tx) => {
        await tx.query("INSERT INTO number (message_id, sequence) VALUES ($1, $2) ON CONFLICT DO NOTHING", [
          message.id,
          String(message.sequence),
        ]);
        if (!(await markHandled(tx, "notes", message.id))) return;
        const { value } = fromBinary(Int32ValueSchema, message.data);
        await tx.query("INSERT INTO effect (key, n) VALUES ($1, $2)", [message.key, value]);
      }),
  }),
]);

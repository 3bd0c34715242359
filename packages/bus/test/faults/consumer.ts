import { fromBinary } from "@bufbuild/protobuf";
import { Int32ValueSchema } from "@bufbuild/protobuf/wkt";
import { markHandled } from "@plinth/postgres";
import { runActor } from "./actor.ts";

// Notes every change once, in a transaction with the inbox.
await runActor(({ database, bus }) => [
  bus.subscribe({
    group: "notes",
    topics: ["shop.item.v1"],
    handle: (message) =>
      database.transaction(async (tx) => {
        if (!(await markHandled(tx, "notes", message.id))) return;
        const { value } = fromBinary(Int32ValueSchema, message.data);
        await tx.query("INSERT INTO effect (key, n) VALUES ($1, $2)", [message.key, value]);
      }),
  }),
]);

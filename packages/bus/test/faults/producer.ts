import { Int32ValueSchema } from "@bufbuild/protobuf/wkt";
import { appendEvent, createOutboxRelay } from "../../src/index.ts";
import { runActor } from "./actor.ts";

const keys = 16;
const pauseMs = 2;

// Changes one item after the other, each with its event, and says so once that is committed; relays the outbox as well.
await runActor(({ database, bus, tools }) => {
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();

  async function change(): Promise<void> {
    const key = `k${Math.floor(tools.random.fraction() * keys)}`;
    const n = await database.transaction(async (tx) => {
      const [row] = await tx.query<{ n: number }>(
        "INSERT INTO item (key, n) VALUES ($1, 1) ON CONFLICT (key) DO UPDATE SET n = item.n + 1 RETURNING n",
        [key],
      );
      const value = row?.n ?? 0;
      await appendEvent(tx, {
        ...{ topic: "shop.item.v1", key, subject: `items/${key}`, schema: Int32ValueSchema, message: { value } },
        context: { actor: "anonymous", requestId: "", traceparent: undefined },
      });
      return value;
    });
    process.stdout.write(`${key} ${n}\n`);
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await change().catch(() => {});
      await tools.clock.sleep(pauseMs, stopping.signal).catch(() => {});
    }
  }

  const changes = {
    name: "changes",
    async start() {
      running = run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
  return [createOutboxRelay({ ...tools, database, bus, source: "shop" }), changes];
});

import { backoffMs, type Clock, type Random } from "@plinth/kernel";
import { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from "./embedded-postgres.ts";

export interface PostgresKeeper {
  server: EmbeddedPostgres;
  stop(): Promise<void>;
}

/** Runs PostgreSQL and starts it again on the same port when it ends by itself; services reconnect on their own. */
export async function keepPostgres(
  options: EmbeddedPostgresOptions,
  tools: { say: (text: string) => void; clock: Clock; random: Random },
): Promise<PostgresKeeper> {
  const server = await startEmbeddedPostgres(options);
  const stopping = new AbortController();
  let current = server;

  async function restart(): Promise<void> {
    for (let attempt = 1; !stopping.signal.aborted; attempt++) {
      const delayMs = backoffMs(attempt, { initialMs: 250, maxMs: 10_000 }, tools.random);
      await tools.clock.sleep(delayMs, stopping.signal).catch(() => {});
      if (stopping.signal.aborted) return;
      try {
        current = await startEmbeddedPostgres({ ...options, preferredPort: server.port });
        if (current.port === server.port) return tools.say("runs again");
        await current.stop();
        tools.say(`cannot have port ${server.port} back yet`);
      } catch (err) {
        tools.say(`cannot be started: ${(err as Error).message}`);
      }
    }
  }

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      const how = await current.exited;
      if (stopping.signal.aborted) return;
      tools.say(`ended by itself (${how}); starting it again`);
      await restart();
    }
  }

  const watching = watch();
  return {
    server,
    async stop() {
      stopping.abort();
      await current.stop();
      await watching;
      // One that was being started meanwhile.
      await current.stop();
    },
  };
}

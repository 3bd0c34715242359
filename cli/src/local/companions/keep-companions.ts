import path from "node:path";
import { backoffMs, type Clock, type Random } from "@plinth/kernel";
import type { LocalServer } from "@plinth/local-servers";
import type { Companion } from "./companion.ts";

export interface KeptCompanions {
  /** For all services. */
  env: Record<string, string>;
  /** host:port by name. */
  addresses: Record<string, string>;
  stop(): Promise<void>;
}

export interface KeepOptions {
  /** Holds a folder for each. */
  home: string;
  say: (text: string) => void;
  clock: Clock;
  random: Random;
}

const restartDelay = { initialMs: 250, maxMs: 10_000 };

/** Starts companions side by side and starts one again on its port when it ends by itself; services reconnect on their own. */
export async function keepCompanions(wanted: readonly Companion[], options: KeepOptions): Promise<KeptCompanions> {
  const started = await Promise.allSettled(wanted.map((companion) => keep(companion, options)));
  const kept = started.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const stop = async () => void (await Promise.all(kept.map((companion) => companion.stop())));
  const failure = started.find((result) => result.status === "rejected");
  if (failure) {
    await stop();
    throw failure.reason;
  }
  return {
    env: Object.assign({}, ...kept.map(({ env }) => env)),
    addresses: Object.fromEntries(kept.map(({ name, address }) => [name, address])),
    stop,
  };
}

interface Kept {
  name: string;
  address: string;
  env: Record<string, string>;
  stop(): Promise<void>;
}

async function keep(companion: Companion, { home, say, clock, random }: KeepOptions): Promise<Kept> {
  const problem = await companion.problem();
  if (problem !== undefined) throw new Error(`--with ${companion.name}: ${problem}`);
  const begin = clock.monotonicMs();
  const directory = path.join(home, companion.name);
  const first = await companion.start({ directory, clock });
  const port = Number(first.address.split(":").at(-1));
  say(`${companion.name} runs on port ${port} (${((clock.monotonicMs() - begin) / 1000).toFixed(1)} s)`);
  const stopping = new AbortController();
  let current: LocalServer = first;

  async function restart(): Promise<void> {
    for (let attempt = 1; !stopping.signal.aborted; attempt++) {
      await clock.sleep(backoffMs(Math.min(attempt, 10), restartDelay, random), stopping.signal).catch(() => {});
      if (stopping.signal.aborted) return;
      try {
        current = await companion.start({ directory, clock, port });
        return say(`${companion.name} runs again`);
      } catch (err) {
        say(`! ${companion.name} cannot be started: ${(err as Error).message}`);
      }
    }
  }

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      const how = await current.exited;
      if (stopping.signal.aborted) return;
      say(`! ${companion.name} ended by itself (${how}); starting it again`);
      await restart();
    }
  }

  const watching = watch();
  return {
    name: companion.name,
    address: first.address,
    env: companion.env(first),
    async stop() {
      stopping.abort();
      await current.stop();
      await watching;
      // One that was being started meanwhile.
      await current.stop();
    },
  };
}

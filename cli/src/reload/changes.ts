import type { Clock } from "@plinth/kernel";

export interface ChangesOptions {
  /** Gets what changed since its last call, never while that one is at work. */
  handle: (files: ReadonlySet<string>, beganMs: number) => Promise<void>;
  clock: Clock;
}

/** Collects changes until nothing more comes: an editor, a formatter or a checkout writes many files. */
export interface Changes {
  add(file: string): void;
  /** What will be handed out next. */
  waiting(): ReadonlySet<string>;
  /** Hands out no more and waits for what is at work. */
  close(): Promise<void>;
}

/** No further change within this, and the files are taken as they are. */
const quietMs = 60;
/** The longest that changes wait for each other. */
const collectMaxMs = 1_000;
/** Paths that are remembered; of more it is only known that something changed. */
const filesMax = 10_000;

export function createChanges({ handle, clock }: ChangesOptions): Changes {
  let files = new Set<string>();
  let firstMs = 0;
  let lastMs = 0;
  let running: Promise<void> | undefined;
  const stopping = new AbortController();

  async function run(): Promise<void> {
    while (files.size > 0 && !stopping.signal.aborted) {
      for (let now = clock.monotonicMs(); now - lastMs < quietMs && now - firstMs < collectMaxMs; ) {
        await clock.sleep(quietMs - (now - lastMs), stopping.signal).catch(() => {});
        if (stopping.signal.aborted) return;
        now = clock.monotonicMs();
      }
      const batch = files;
      files = new Set();
      await handle(batch, firstMs);
    }
  }

  return {
    add(file) {
      lastMs = clock.monotonicMs();
      if (files.size === 0) firstMs = lastMs;
      if (files.size < filesMax) files.add(file);
      running ??= run().finally(() => {
        running = undefined;
      });
    },
    waiting: () => files,
    async close() {
      stopping.abort();
      await running;
    },
  };
}

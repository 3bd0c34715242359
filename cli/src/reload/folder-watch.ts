import { type FSWatcher, watch } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "@plinth/kernel";

export interface FolderWatchOptions {
  /** A file in a followed folder came, went or was written, or a followed folder did; absolute. */
  onChange: (file: string) => void;
  /** What a person should know. */
  say: (text: string) => void;
  clock: Clock;
  /** Default: the system's. */
  watch?: (folder: string, onEvent: (name: string | null) => void) => Pick<FSWatcher, "close" | "on">;
  /** Between two looks at folders that cannot be watched. Default 1 s. */
  lookMs?: number;
}

/**
 * Tells of changes in folders, without what is below them. Folders are watched, not files, because editors replace a file
 * when they save it. Where the system has no watch left to give (inotify has a limit per user), folders are looked at.
 */
export interface FolderWatch {
  /** Follows these folders from now on, and no others. True when some are new, or were made anew since the last call. */
  follow(folders: Iterable<string>): Promise<boolean>;
  close(): Promise<void>;
}

interface Followed {
  /** Of the folder, to notice that another one took its place. */
  inode: number;
  watcher: Pick<FSWatcher, "close"> | undefined;
  /** Size and time of change by file name, where there is no watcher. */
  seen: Map<string, string>;
}

const defaultLookMs = 1_000;

export function createFolderWatch(options: FolderWatchOptions): FolderWatch {
  const { onChange, say, clock, lookMs = defaultLookMs } = options;
  const open = options.watch ?? ((folder, onEvent) => watch(folder, { persistent: false }, (_, name) => onEvent(name)));
  const followed = new Map<string, Followed>();
  const stopping = new AbortController();
  let looking: Promise<void> | undefined;

  async function begin(folder: string, inode: number): Promise<void> {
    const entry: Followed = { inode, watcher: undefined, seen: new Map() };
    followed.set(folder, entry);
    try {
      const watcher = open(folder, (name) => onChange(name === null ? folder : path.join(folder, name)));
      // The folder is gone; the next call of follow says what is there now.
      watcher.on("error", () => watcher.close());
      entry.watcher = watcher;
    } catch (err) {
      // Gone since it was found.
      if (!noneLeft(err)) return end(folder);
      entry.seen = await stampsOf(folder);
      if (looking) return;
      say(
        `! the system watches no more folders (${(err as Error).message}); the others are looked at every ${lookMs / 1000} s. On Linux: sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512`,
      );
      looking = look();
    }
  }

  function end(folder: string): void {
    followed.get(folder)?.watcher?.close();
    followed.delete(folder);
  }

  async function look(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleep(lookMs, stopping.signal).catch(() => {});
      for (const [folder, entry] of followed) {
        if (entry.watcher || stopping.signal.aborted) continue;
        const now = await stampsOf(folder);
        const names = new Set([...now.keys(), ...entry.seen.keys()]);
        for (const name of names) if (now.get(name) !== entry.seen.get(name)) onChange(path.join(folder, name));
        entry.seen = now;
      }
    }
  }

  return {
    async follow(folders) {
      const wanted = new Set(folders);
      for (const folder of [...followed.keys()]) if (!wanted.has(folder)) end(folder);
      let fresh = false;
      for (const folder of wanted) {
        const inode = await stat(folder).then(
          (found) => (found.isDirectory() ? found.ino : undefined),
          () => undefined,
        );
        if (inode !== undefined && followed.get(folder)?.inode === inode) continue;
        end(folder);
        if (inode === undefined || stopping.signal.aborted) continue;
        await begin(folder, inode);
        fresh = true;
      }
      return fresh;
    },
    async close() {
      stopping.abort();
      for (const folder of [...followed.keys()]) end(folder);
      await looking;
    },
  };
}

const noneLeft = (err: unknown): boolean =>
  ["ENOSPC", "EMFILE", "ENFILE"].includes((err as NodeJS.ErrnoException).code ?? "");

async function stampsOf(folder: string): Promise<Map<string, string>> {
  const names = await readdir(folder).catch(() => []);
  const stamps = await Promise.all(
    names.map(async (name): Promise<[string, string]> => {
      const found = await stat(path.join(folder, name)).catch(() => undefined);
      return [name, found ? `${found.ino}:${found.size}:${found.mtimeMs}` : ""];
    }),
  );
  return new Map(stamps);
}

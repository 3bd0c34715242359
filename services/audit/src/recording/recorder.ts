import type { BusMessage } from "@plinth/bus";
import { type Database, markAllHandled, type Transaction } from "@plinth/postgres";
import { confirmErasure, erasedUserOf } from "@plinth/service";
import type { Entry, NewEntry } from "../domain/entry.ts";
import type { EntryStore } from "../store/entry-store.ts";
import { lockHead } from "../store/log-lock.ts";
import { createGroupCommit } from "./group-commit.ts";

/** Group of the bus and name in the inbox. */
export const consumer = "audit";

/** An entry, and the event that it tells of when it came over the bus. */
export interface Recording {
  entry: NewEntry;
  event?: BusMessage;
}

/** The one way into the log. */
export interface Recorder {
  /** Resolves when the entry is durable; one with an id that is there already is the one that is there. */
  record(entry: NewEntry): Promise<Entry>;
  /**
   * Records each once, however often it is delivered, all or none. One that says that a user was erased destroys the user's key, in
   * the same transaction: what comes behind it cannot be read or found by the user any more.
   */
  recordEvents(recordings: readonly Required<Recording>[]): Promise<void>;
}

/** Calls and events that arrive at the same time share a transaction, and with it one lock, one commit and one statement of each kind. */
export function createRecorder({ database, entries }: { database: Database; entries: EntryStore }): Recorder {
  const commits = createGroupCommit({ database, commit, sizeOf });

  async function commit(tx: Transaction, works: readonly (readonly Recording[])[]): Promise<(Entry | undefined)[][]> {
    await lockHead(tx);
    const recorded = await recordAll(tx, works.flat());
    return works.map((work) => work.map((recording) => recorded.get(recording)));
  }

  async function recordAll(tx: Transaction, all: readonly Recording[]): Promise<Map<Recording, Entry>> {
    const recorded = new Map<Recording, Entry>();
    let next: Recording[] = [];
    const append = async () => {
      const appended = await entries.appendIn(
        tx,
        next.map(({ entry }) => entry),
      );
      for (const [at, entry] of appended.entries()) recorded.set(next[at] as Recording, entry);
      next = [];
    };
    for (const recording of await firstDeliveries(tx, all)) {
      const erased = recording.event && erasedUserOf(recording.event);
      if (recording.event && erased !== undefined) {
        await append();
        await entries.eraseIn(tx, erased);
        await confirmErasure(tx, { userId: erased, removed: { keys: 1 } }, recording.event);
      }
      // After it: that the user was erased is recorded, about whom is not.
      next.push(recording);
    }
    await append();
    return recorded;
  }

  return {
    async record(entry) {
      const [recorded] = await commits.run([{ entry }]);
      return recorded as Entry;
    },
    async recordEvents(recordings) {
      if (recordings.length > 0) await commits.run(recordings);
    },
  };
}

/** A large one counts as many as it has KiB: what a transaction holds in memory is bounded. */
const sizeOf = (work: readonly Recording[]): number =>
  work.reduce((sum, { entry, event }) => {
    const bytes = event?.data.byteLength ?? JSON.stringify(entry.details).length;
    return sum + 1 + Math.floor(bytes / 1024);
  }, 0);

/** Without events that were handled before, or that are there a second time. */
async function firstDeliveries(tx: Transaction, all: readonly Recording[]): Promise<Recording[]> {
  const ids = all.flatMap(({ event }) => event?.id ?? []);
  const left = ids.length === 0 ? new Set() : await markAllHandled(tx, consumer, ids);
  return all.filter(({ event }) => event === undefined || left.delete(event.id));
}

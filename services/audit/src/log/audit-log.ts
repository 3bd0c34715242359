import type { Clock, Logger, Random } from "@plinth/kernel";
import type { Database } from "@plinth/postgres";
import type { NoteKey } from "@plinth/transparency-log";
import { createRecorder, type Recorder } from "../recording/recorder.ts";
import { deriveSecrets } from "../sealing/secrets.ts";
import { createEntrySealer, type EntrySealer } from "../store/entry-sealer.ts";
import type { EntryStore } from "../store/entry-store.ts";
import { createPostgresEntryStore } from "../store/postgres-entry-store.ts";
import { createSubjectKeys } from "../store/subject-keys.ts";
import { type CosignatureStore, createCosignatureStore } from "./cosignatures.ts";
import { createErasure, type Erasure } from "./erasure.ts";
import { createLogKeys, type LogKeys } from "./log-keys.ts";
import { createLogReader, type LogReader } from "./log-reader.ts";
import { createNumberCheck, type NumberCheck } from "./number-check.ts";
import { createRetention, type Retention } from "./retention.ts";
import { createSequencer, type Sequencer } from "./sequencer.ts";

export interface AuditLogOptions {
  database: Database;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** 32 bytes that everything else is derived from; asked for when they are needed first. */
  master: () => Buffer;
  origin: string;
  /** A replaced key of the log goes on signing for this. */
  keyOverlapMs: number;
  /** Undefined: entries are kept for ever. */
  retentionMs: number | undefined;
  witnesses: readonly NoteKey[];
}

/** The log without the service around it. */
export interface AuditLog {
  recorder: Recorder;
  entries: EntryStore;
  sealer: EntrySealer;
  keys: LogKeys;
  reader: LogReader;
  sequencer: Sequencer;
  cosignatures: CosignatureStore;
  retention: Retention;
  erasure: Erasure;
  numbers: NumberCheck;
}

/** Wires the log's parts; nothing runs yet. */
export function createAuditLog(options: AuditLogOptions): AuditLog {
  const { database, clock, random, logger, origin, witnesses } = options;
  const secrets = deriveSecrets(options.master);
  const subjectKeys = createSubjectKeys(secrets, { clock, random });
  const sealer = createEntrySealer({ secrets, keys: subjectKeys, random });
  const keys = createLogKeys({ database, secrets, clock, random, origin, overlapMs: options.keyOverlapMs });
  const entries = createPostgresEntryStore({ database, clock, secrets, keys: subjectKeys, sealer });
  return {
    ...{ entries, sealer, keys },
    recorder: createRecorder({ database, entries }),
    reader: createLogReader(database),
    sequencer: createSequencer({ database, sealer, keys, clock, logger, origin }),
    cosignatures: createCosignatureStore({ database, keys, origin, witnesses }),
    erasure: createErasure({ database, clock, logger }),
    numbers: createNumberCheck({ database, clock, logger }),
    retention: createRetention({ database, clock, logger, retentionMs: options.retentionMs }),
  };
}

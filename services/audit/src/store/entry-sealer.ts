import type { Random } from "@plinth/kernel";
import type { Queryable, Transaction } from "@plinth/postgres";
import type { Json } from "@plinth/transparency-log";
import type { Entry, NewEntry } from "../domain/entry.ts";
import { type WhatPart, type WhoPart, whatPart, whatSubject, whoPart, whoSubject } from "../domain/personal-parts.ts";
import { type OpenedPart, openPart, sealPart } from "../sealing/sealed-part.ts";
import type { Secrets } from "../sealing/secrets.ts";
import type { SealedRow } from "./schema.ts";
import type { SealingKey, SubjectKeys } from "./subject-keys.ts";

/** An entry and what opens its leaf's commitments; a part that cannot be opened is missing. */
export interface OpenedEntry {
  row: SealedRow;
  entry: Entry;
  who: OpenedPart<WhoPart> | undefined;
  what: OpenedPart<WhatPart> | undefined;
}

/** An entry and its place in the log. */
export interface PlacedEntry {
  entry: NewEntry;
  sequence: bigint;
  recordTime: Date;
}

/** Between entries as one reads them and rows as they are stored. */
export interface EntrySealer {
  /** The caller holds the head's lock. */
  seal(tx: Transaction, placed: readonly PlacedEntry[]): Promise<SealedRow[]>;
  open(db: Queryable, rows: readonly SealedRow[]): Promise<OpenedEntry[]>;
}

export interface EntrySealerOptions {
  secrets: Secrets;
  keys: SubjectKeys;
  random: Random;
}

export function createEntrySealer({ secrets, keys, random }: EntrySealerOptions): EntrySealer {
  function sealRow({ entry, sequence, recordTime }: PlacedEntry, whoKey: SealingKey, whatKey: SealingKey): SealedRow {
    const { id, time, source, action, outcome, requestId, traceId } = entry;
    const who = sealPart(whoKey.key, `${id}/who`, whoPart(entry) as unknown as Json, random);
    const what = sealPart(whatKey.key, `${id}/what`, whatPart(entry) as unknown as Json, random);
    return {
      ...{ sequence, recordTime, id, time, source, action, outcome, requestId, traceId },
      ...{ whoKey: whoKey.id ?? null, whoSealed: who.sealed, whoCommitment: who.commitment },
      ...{ whatKey: whatKey.id ?? null, whatSealed: what.sealed, whatCommitment: what.commitment },
      sourceSequence: entry.sourceSequence ?? 0n,
      numbering: entry.numbering ?? "records",
      actorTag: whoKey.erased ? null : secrets.tag("actor", entry.actor),
      resourceTag: whatKey.erased || entry.resource === "" ? null : secrets.tag("resource", entry.resource),
    };
  }

  return {
    async seal(tx, placed) {
      const subjects = placed.flatMap(({ entry }) => [whoSubject(entry), whatSubject(entry)]);
      const keyOf = await keys.keysFor(tx, subjects);
      return placed.map((one) => sealRow(one, keyOf(whoSubject(one.entry)), keyOf(whatSubject(one.entry))));
    },
    async open(db, rows) {
      const ids = rows.flatMap(({ whoKey, whatKey }) => [whoKey, whatKey]).filter((id) => id !== null);
      const known = await keys.open(db, ids);
      const keyOf = (id: string | null): Buffer | undefined => (id === null ? secrets.own : known.get(id));
      return rows.map((row) => openRow(row, keyOf(row.whoKey), keyOf(row.whatKey)));
    },
  };
}

function openRow(row: SealedRow, whoKey: Buffer | undefined, whatKey: Buffer | undefined): OpenedEntry {
  const who = tryOpen<WhoPart>(whoKey, `${row.id}/who`, { sealed: row.whoSealed, commitment: row.whoCommitment });
  const what = tryOpen<WhatPart>(whatKey, `${row.id}/what`, { sealed: row.whatSealed, commitment: row.whatCommitment });
  const { sequence, id, time, recordTime, source, action, outcome, requestId, traceId } = row;
  const damaged = who === "damaged" || what === "damaged";
  const erased = who === "erased" || what === "erased";
  const whoOpened = typeof who === "string" ? undefined : who;
  const whatOpened = typeof what === "string" ? undefined : what;
  const payload = whatOpened?.part.payload;
  const entry: Entry = {
    ...{ sequence, id, time, recordTime, source, action, outcome, requestId, traceId },
    ...(row.sourceSequence === 0n ? {} : { sourceSequence: row.sourceSequence, numbering: row.numbering }),
    actor: whoOpened?.part.actor ?? "",
    ipAddress: whoOpened?.part.ip_address ?? "",
    via: whoOpened?.part.via,
    resource: whatOpened?.part.resource ?? "",
    details: whatOpened?.part.details ?? {},
    payload: payload === undefined ? undefined : Buffer.from(payload, "base64"),
    personalData: damaged ? "damaged" : erased ? "erased" : "readable",
  };
  return { row, entry, who: whoOpened, what: whatOpened };
}

function tryOpen<P>(
  key: Buffer | undefined,
  label: string,
  stored: { sealed: Buffer; commitment: Buffer },
): OpenedPart<P> | "erased" | "damaged" {
  if (key === undefined) return "erased";
  try {
    return openPart<P>(key, label, stored);
  } catch {
    return "damaged";
  }
}

import type { Numbering } from "./numbering.ts";

/** How it ended. */
export type Outcome = "success" | "failure" | "denied";

/** What happened, before it has its place in the log. */
export interface NewEntry {
  /** UUID; the same id is stored once. */
  id: string;
  time: Date;
  source: string;
  /** Number among the records or the events of its source, from 1; undefined when they are not numbered. */
  sourceSequence?: bigint | undefined;
  /** Which of the two it counts. Default: records. */
  numbering?: Numbering;
  action: string;
  /** "user:ID", "service:NAME" or "anonymous". */
  actor: string;
  resource: string;
  outcome: Outcome;
  requestId: string;
  traceId: string;
  ipAddress: string;
  /** The service that acted on the actor's behalf; undefined when there was none. */
  via?: string | undefined;
  details: Record<string, unknown>;
  payload: Uint8Array | undefined;
}

/** Whether the personal parts of an entry can be read; those that cannot are empty. */
export type PersonalData = "readable" | "erased" | "damaged";

export interface Entry extends NewEntry {
  /** From 1, without gaps. */
  sequence: bigint;
  recordTime: Date;
  personalData: PersonalData;
}

/** Every set field must match. */
export interface EntryFilter {
  actor?: string;
  /** Exact, or a prefix when it ends in ".". */
  action?: string;
  resource?: string;
  source?: string;
  outcome?: Outcome;
  requestId?: string;
  /** Inclusive. */
  startTime?: Date;
  /** Exclusive. */
  endTime?: Date;
}

/** The trace id of a W3C traceparent; empty for anything else. */
export function traceIdOf(traceparent: string | undefined): string {
  return /^00-([0-9a-f]{32})-/.exec(traceparent ?? "")?.[1] ?? "";
}

import type { BusMessage } from "./bus.ts";

/** A message that a group could not handle, with where it was and why. */
export interface DeadLetter {
  group: string;
  message: BusMessage;
  /** Where the message lies in its topic. */
  partition: number;
  position: string;
  /** What the last attempt threw. */
  error: string;
  attempts: number;
  failedAt: Date;
}

/** Absent fields match everything. */
export interface DeadLetterFilter {
  group?: string;
  topic?: string;
  /** Id of the message. */
  id?: string;
}

/** The dead letters of all groups of a bus, for the people who look after it. */
export interface DeadLetters {
  /** The oldest first. */
  list(filter: DeadLetterFilter): Promise<DeadLetter[]>;
  /**
   * Hands letters back to their own groups, to nobody else, and takes them off the list; returns how many. A letter may
   * come twice when this is interrupted: consumers deduplicate by the message's id, as always.
   */
  replay(filter: DeadLetterFilter): Promise<number>;
  close(): Promise<void>;
}

/** Why a message was given up. */
export interface Failure {
  error: string;
  attempts: number;
  failedAt: Date;
}

export const matches = (letter: DeadLetter, { group, topic, id }: DeadLetterFilter): boolean =>
  (group === undefined || letter.group === group) &&
  (topic === undefined || letter.message.topic === topic) &&
  (id === undefined || letter.message.id === id);

import type { HttpHead } from "../../http-head.ts";

/** Names in lower case and values by turns. Of an object Node would make a copy, which lives as long as the stream's handle. */
export type Fields = string[];

/** Takes the place of a field of that name. */
export function setField(fields: Fields, name: string, value: string): void {
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at] !== name) continue;
    fields[at + 1] = value;
    return;
  }
  fields.push(name, value);
}

/** What is sent for a request: all of it at once, for nothing of a unary call goes out before its end. */
export interface Answer {
  status: number;
  headers: Fields;
  body: Uint8Array | undefined;
  /** HTTP/2 only. */
  trailers: Fields | undefined;
}

/** A request and its answer, over either version of HTTP. */
export interface Exchange {
  readonly head: HttpHead;
  readonly remoteAddress: string;
  /**
   * Reads the request's body, once. `take` gets each piece as it comes and says whether it wants more; without, what is
   * left is read and dropped.
   */
  read(take: (piece: Buffer) => boolean, end: () => void): void;
  /** Leaves the body unread. */
  drop(): void;
  /** Called when the caller goes away before it was answered. */
  onGone(listener: () => void): void;
  /** Does nothing when the caller is gone. Throws when the answer cannot be written, for a field that HTTP does not allow. */
  send(answer: Answer): void;
  /** Ends it without an answer. */
  destroy(): void;
}

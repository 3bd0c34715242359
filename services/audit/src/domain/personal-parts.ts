import type { NewEntry } from "./entry.ts";

/** Actor, IP address, and who acted for the actor: about the actor. */
export interface WhoPart {
  actor: string;
  ip_address: string;
  /** Absent when there is none. */
  via?: string;
}

/** Resource, details and payload: about the user that the resource is, otherwise about the actor. */
export interface WhatPart {
  resource: string;
  details: Record<string, unknown>;
  /** Base64; absent when there is none. */
  payload?: string;
}

export const whoPart = ({ actor, ipAddress, via }: NewEntry): WhoPart => ({
  ...{ actor, ip_address: ipAddress },
  ...(via === undefined ? {} : { via }),
});

export const whatPart = ({ resource, details, payload }: NewEntry): WhatPart => ({
  resource,
  details,
  ...(payload === undefined ? {} : { payload: Buffer.from(payload).toString("base64") }),
});

/** The user whom a part is about; undefined when it is nobody who could be erased. */
export type Subject = string | undefined;

export const whoSubject = ({ actor }: NewEntry): Subject => /^user:(.+)$/.exec(actor)?.[1];

export const whatSubject = (entry: NewEntry): Subject =>
  /^users\/([^/]+)/.exec(entry.resource)?.[1] ?? whoSubject(entry);

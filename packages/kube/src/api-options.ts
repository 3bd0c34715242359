import type { KubeObject } from "./resource.ts";

/** What a caller may leave out of an object: everything but its name. */
export type Draft<T extends KubeObject> = DeepPartial<Omit<T, "metadata">> & {
  metadata: DeepPartial<T["metadata"]> & { name: string };
};
export type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]?: DeepPartial<T[K]> }
    : T;

export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** Default: the transport's. */
  timeoutMs?: number;
}

export interface Selection {
  /** Absent: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  /** Only metadata, as PartialObjectMetadata: a fraction of the bytes. */
  metadataOnly?: boolean;
}

export interface ListOptions extends Selection, CallOptions {
  /** Objects per page. Absent: all in one answer. */
  limit?: number;
  /** From the previous page. */
  continueToken?: string | undefined;
  /** Absent: the most recent state (consistent read). */
  resourceVersion?: string;
  resourceVersionMatch?: "Exact" | "NotOlderThan";
}

export interface ListPage<T extends KubeObject> {
  items: T[];
  resourceVersion: string;
  /** Absent on the last page. */
  continueToken: string | undefined;
}

export interface WatchOptions extends Selection {
  resourceVersion: string;
  /** The server ends the watch after this time. */
  timeoutMs: number;
  /** Without any event or bookmark for this long the connection counts as dead. */
  idleMs: number;
  signal?: AbortSignal;
}

export interface WriteOptions extends CallOptions {
  /** Who owns the fields written. Default: derived from the User-Agent by the server. */
  fieldManager?: string;
  dryRun?: boolean;
  subresource?: "status" | "scale";
}

export interface ApplyOptions extends WriteOptions {
  fieldManager: string;
  /** Take fields over from other managers; without it a conflict is the Fault CONFLICT that names them. */
  force?: boolean;
  /** Makes the object or fails with ALREADY_EXISTS, in one step: nothing that somebody else made is touched. */
  createOnly?: boolean;
}

export interface PatchOptions extends WriteOptions {
  /** merge: RFC 7396. json: RFC 6902. strategic: Kubernetes' own, for built-in kinds only. */
  type: "merge" | "json" | "strategic";
}

export interface DeleteOptions extends CallOptions {
  /** Only this very object, not one that was made later under its name. */
  uid?: string | undefined;
  /** Only this version of it. */
  resourceVersion?: string | undefined;
  propagationPolicy?: "Background" | "Foreground" | "Orphan";
  gracePeriodSeconds?: number;
  dryRun?: boolean;
}

export interface LogOptions extends CallOptions {
  container?: string;
  tailLines?: number;
  /** Default 64 KiB. */
  bytesMax?: number;
  previous?: boolean;
}

import { Fault, isFault } from "@plinth/kernel";
import type {
  ApplyOptions,
  CallOptions,
  DeleteOptions,
  Draft,
  ListOptions,
  ListPage,
  LogOptions,
  PatchOptions,
  Selection,
  WatchOptions,
  WriteOptions,
} from "./api-options.ts";
import { type KubeObject, type ObjectRef, type Resource, resourcePath } from "./resource.ts";
import type { ApiAnswer, Transport } from "./transport.ts";
import { readWatchEvents, type WatchEvent } from "./watch-stream.ts";

/** Typed calls to one API server. Every refusal is a Fault (see api-fault.ts); unknown fields in writes are refused. */
export interface ApiClient {
  get<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, options?: CallOptions): Promise<T>;
  /** As get, but undefined when there is no such object. */
  find<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, options?: CallOptions): Promise<T | undefined>;
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<ListPage<T>>;
  /** One connection's worth of events; see createInformer for one that goes on. */
  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>>;
  create<T extends KubeObject>(resource: Resource<T>, object: Draft<T>, options?: WriteOptions): Promise<T>;
  /** Replaces the object; with metadata.resourceVersion only if nobody changed it meanwhile. */
  update<T extends KubeObject>(resource: Resource<T>, object: Draft<T>, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, patch: unknown, options: PatchOptions): Promise<T>;
  /** Server-side apply: states the fields that this manager wants and no others. */
  apply<T extends KubeObject>(resource: Resource<T>, object: Draft<T>, options: ApplyOptions): Promise<T>;
  /** False when there was no such object. A precondition that does not hold is the Fault CONFLICT. */
  delete(resource: Resource, ref: ObjectRef, options?: DeleteOptions): Promise<boolean>;
  /** Text of a pod's log. */
  logs(pod: ObjectRef, options?: LogOptions): Promise<string>;
  /** Whether the server knows this kind: CRDs come and go. */
  serves(resource: Resource, options?: CallOptions): Promise<boolean>;
}

const patchTypes = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
} as const;
const partialList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const partialObject = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

export function createApiClient(transport: Transport): ApiClient {
  const get = async <T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    options: CallOptions = {},
  ): Promise<T> =>
    bodyOf(
      await transport.send({
        method: "GET",
        path: resourcePath(resource, ref.namespace, ref.name),
        ...bounds(options),
      }),
    );

  return {
    get,
    find: (resource, ref, options) => get(resource, ref, options).catch(undefinedWhenMissing),
    async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}) {
      const answer = await transport.send({
        method: "GET",
        path: resourcePath(resource, options.namespace),
        query: {
          ...selectors(options),
          limit: options.limit,
          continue: options.continueToken,
          resourceVersion: options.resourceVersion,
          resourceVersionMatch: options.resourceVersionMatch,
        },
        ...(options.metadataOnly ? { accept: partialList } : {}),
        ...bounds(options),
      });
      return listPage<T>(answer.body);
    },
    watch(resource, options) {
      const chunks = transport.open({
        method: "GET",
        path: resourcePath(resource, options.namespace),
        query: {
          ...selectors(options),
          watch: true,
          allowWatchBookmarks: true,
          resourceVersion: options.resourceVersion,
          timeoutSeconds: Math.max(1, Math.round(options.timeoutMs / 1000)),
        },
        ...(options.metadataOnly ? { accept: partialObject } : {}),
        idleMs: options.idleMs,
        signal: options.signal,
      });
      return readWatchEvents(chunks);
    },
    async create(resource, object, options = {}) {
      const path = resourcePath(resource, object.metadata.namespace);
      const body = named(resource, object);
      return bodyOf(
        await transport.send({ method: "POST", path, query: writeQuery(options), body, ...bounds(options) }),
      );
    },
    async update(resource, object, options = {}) {
      const path = objectPath(resource, object.metadata, options);
      const body = named(resource, object);
      return bodyOf(
        await transport.send({ method: "PUT", path, query: writeQuery(options), body, ...bounds(options) }),
      );
    },
    async patch(resource, ref, patch, options) {
      const answer = await transport.send({
        method: "PATCH",
        path: objectPath(resource, ref, options),
        query: writeQuery(options),
        contentType: patchTypes[options.type],
        body: patch,
        ...bounds(options),
      });
      return bodyOf(answer);
    },
    async apply(resource, object, options) {
      const draft = options.createOnly
        ? { ...object, metadata: { ...object.metadata, resourceVersion: neverCurrent } }
        : object;
      const sent = transport.send({
        method: "PATCH",
        path: objectPath(resource, object.metadata, options),
        query: { ...writeQuery(options), force: options.force ?? false },
        // JSON is YAML, and parsing it is cheaper on both sides.
        contentType: "application/apply-patch+yaml",
        body: named(resource, draft as typeof object),
        ...bounds(options),
      });
      return bodyOf(await (options.createOnly ? sent.catch(existsWhenConflict) : sent));
    },
    async delete(resource, ref, options = {}) {
      const path = resourcePath(resource, ref.namespace, ref.name);
      const body = deleteBody(options);
      const done = transport.send({ method: "DELETE", path, body, ...bounds(options) });
      return (await done.catch(undefinedWhenMissing)) !== undefined;
    },
    async logs(pod, options = {}) {
      const answer = await transport.send({
        method: "GET",
        path: `${resourcePath({ apiVersion: "v1", kind: "Pod", plural: "pods", namespaced: true }, pod.namespace, pod.name)}/log`,
        query: {
          container: options.container,
          tailLines: options.tailLines,
          limitBytes: options.bytesMax ?? 64 * 1024,
          previous: options.previous,
        },
        accept: "*/*",
        ...bounds(options),
      });
      return typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
    },
    async serves(resource, options = {}) {
      const root = resource.apiVersion.includes("/") ? "/apis/" : "/api/";
      const call = { method: "GET", path: `${root}${resource.apiVersion}`, ...bounds(options) } as const;
      const answer = await transport.send(call).catch(undefinedWhenMissing);
      const known = (answer?.body as { resources?: { name: string }[] } | undefined)?.resources ?? [];
      return known.some((candidate) => candidate.name === resource.plural);
    },
  };
}

/**
 * A resource version that no object has: the store's first revision is taken before anything is written. An apply that
 * demands it is refused when the object exists, and makes it when it does not.
 */
const neverCurrent = "1";

function existsWhenConflict(err: unknown): never {
  if (!isFault(err) || err.code !== "aborted") throw err;
  throw new Fault({ code: "already_exists", reason: "ALREADY_EXISTS", message: "the object exists", cause: err });
}

const bodyOf = <T>(answer: ApiAnswer): T => answer.body as T;

function undefinedWhenMissing(err: unknown): undefined {
  if (isFault(err) && err.code === "not_found") return undefined;
  throw err;
}

const bounds = (options: CallOptions): { signal?: AbortSignal | undefined; timeoutMs?: number } => ({
  ...(options.signal ? { signal: options.signal } : {}),
  ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
});

const selectors = (selection: Selection): Record<string, string | undefined> => ({
  labelSelector: selection.labelSelector,
  fieldSelector: selection.fieldSelector,
});

const writeQuery = (options: WriteOptions): Record<string, string | undefined> => ({
  fieldManager: options.fieldManager,
  fieldValidation: "Strict",
  dryRun: options.dryRun ? "All" : undefined,
});

/** The object with the kind and version that the server demands. */
const named = <T extends KubeObject>(resource: Resource<T>, object: Draft<T>): object => ({
  apiVersion: resource.apiVersion,
  kind: resource.kind,
  ...object,
});

function objectPath(
  resource: Resource,
  ref: { namespace?: string | undefined; name: string },
  options: WriteOptions,
): string {
  const path = resourcePath(resource, ref.namespace, ref.name);
  return options.subresource ? `${path}/${options.subresource}` : path;
}

function deleteBody(options: DeleteOptions): object {
  const { uid, resourceVersion } = options;
  return {
    apiVersion: "v1",
    kind: "DeleteOptions",
    propagationPolicy: options.propagationPolicy ?? "Background",
    ...(options.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: options.gracePeriodSeconds }),
    ...(uid || resourceVersion
      ? { preconditions: { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) } }
      : {}),
    ...(options.dryRun ? { dryRun: ["All"] } : {}),
  };
}

function listPage<T extends KubeObject>(body: unknown): ListPage<T> {
  const { items, metadata } = (body ?? {}) as {
    items?: T[] | null;
    metadata?: { resourceVersion?: string; continue?: string };
  };
  if (!metadata?.resourceVersion || (items !== null && items !== undefined && !Array.isArray(items))) {
    throw new Fault({ code: "internal", reason: "LIST_UNREADABLE", message: "the API server's answer is no list" });
  }
  return {
    items: items ?? [],
    resourceVersion: metadata.resourceVersion,
    continueToken: metadata.continue || undefined,
  };
}

import type { Wire } from "./wire.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/ as JSON. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  /** RFC 3339, as the API server writes it. */
  creationTimestamp?: string;
  deletionTimestamp?: string;
  managedFields?: unknown[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

/** The JSON shape of a client-node model that is an API object, for example `ObjectOf<V1Deployment>`. */
export type ObjectOf<T> = Omit<Wire<T>, "metadata"> & KubeObject;

/** Where a kind lives. `T` is carried by the type only. */
export interface Resource<T extends KubeObject = KubeObject> {
  /** "v1" for the core group, else "group/version". */
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never set; binds `T` for inference. */
  readonly object?: T;
}

export interface ObjectRef {
  namespace?: string | undefined;
  name: string;
}

/** Path of a collection, or of one object when `name` is given. Throws when a namespaced object has no namespace. */
export function resourcePath(resource: Resource, namespace: string | undefined, name?: string): string {
  const root = resource.apiVersion.includes("/") ? `/apis/${resource.apiVersion}` : `/api/${resource.apiVersion}`;
  if (resource.namespaced && name !== undefined && !namespace) {
    throw new TypeError(`${resource.kind} "${name}" needs a namespace`);
  }
  const scope = resource.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  const object = name === undefined ? "" : `/${encodeURIComponent(name)}`;
  return `${root}${scope}/${resource.plural}${object}`;
}

/** "namespace/name", or "name" for cluster-scoped objects: the key of caches and queues. */
export const objectKey = (ref: ObjectRef): string => (ref.namespace ? `${ref.namespace}/${ref.name}` : ref.name);

export function parseObjectKey(key: string): ObjectRef {
  const slash = key.indexOf("/");
  return slash === -1 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

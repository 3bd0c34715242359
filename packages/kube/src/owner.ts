import { type KubeObject, type OwnerReference, objectKey, type Resource } from "./resource.ts";

type Owner = { metadata: { name: string; namespace?: string; uid?: string } };

/** Makes `owner` the controller of an object, so that the garbage collector removes it with its owner. Throws without a uid. */
export function ownerReference(resource: Resource, owner: Owner): OwnerReference {
  const { name, uid } = owner.metadata;
  if (!uid) throw new TypeError(`${resource.kind} "${name}" has no uid yet and cannot own anything`);
  const { apiVersion, kind } = resource;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** The reference marked as controller; an object has at most one. */
export const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((reference) => reference.controller === true);

/** By uid: a successor under the same name owns nothing of its predecessor. */
export const isOwnedBy = (object: KubeObject, owner: Owner): boolean =>
  owner.metadata.uid !== undefined && controllerOf(object)?.uid === owner.metadata.uid;

/** Keys of the objects of this kind that control the object: none or one. For `watchSource(children, { keys })`. */
export function ownerKeys(resource: Resource): (object: KubeObject) => string[] {
  const group = groupOf(resource.apiVersion);
  return (object) => {
    const owner = controllerOf(object);
    // The version may change with an upgrade, the group may not.
    if (!owner || owner.kind !== resource.kind || groupOf(owner.apiVersion) !== group) return [];
    return [objectKey({ name: owner.name, namespace: resource.namespaced ? object.metadata.namespace : undefined })];
  };
}

const groupOf = (apiVersion: string): string => apiVersion.slice(0, Math.max(0, apiVersion.indexOf("/")));

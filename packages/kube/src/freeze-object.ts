import type { KubeObject, Resource } from "./resource.ts";

/**
 * An object as caches keep it: with kind and version (lists leave them out), without managedFields (half of the memory),
 * and frozen, because everyone reads the same one.
 */
export function freezeObject<T extends KubeObject>(resource: Resource<T>, object: T): T {
  object.apiVersion = resource.apiVersion;
  object.kind = resource.kind;
  delete object.metadata.managedFields;
  return deepFreeze(object);
}

function deepFreeze<V>(value: V): V {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const name in value) deepFreeze(value[name]);
  return value;
}

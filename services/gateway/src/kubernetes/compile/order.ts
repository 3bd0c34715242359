import { type KubeObject, objectKey } from "@plinth/kube";

/** The order in which the Gateway API lets objects go first: the oldest, then by namespace and name. */
export function compareAge(a: KubeObject, b: KubeObject): number {
  const [older, younger] = [a.metadata.creationTimestamp ?? "~", b.metadata.creationTimestamp ?? "~"];
  if (older !== younger) return older < younger ? -1 : 1;
  const [first, second] = [objectKey(a.metadata), objectKey(b.metadata)];
  if (first === second) return 0;
  return first < second ? -1 : 1;
}

import { contentHash, type Draft, type KubeObject, ownerReference, type Resource } from "@plinth/kube";
import { annotations, childLabels } from "./labels.ts";
import { platformServices, type ServiceObject } from "./resources.ts";

/** An object that a PlatformService should have. */
export interface Child<T extends KubeObject = KubeObject> {
  resource: Resource<T>;
  object: Draft<T>;
  /**
   * `apply`: its fields are kept as stated. `create`: made once and then left alone, because it cannot be changed (Jobs) or
   * because what it holds is made once (passwords).
   */
  how: "apply" | "create";
}

/** Completes a draft with name space, labels, owner and the hash by which a later reconcile knows what was applied. */
export function child<T extends KubeObject>(
  resource: Resource<T>,
  service: ServiceObject,
  draft: Draft<T>,
  how: Child["how"] = "apply",
): Child<T> {
  const { name, namespace } = service.metadata;
  const metadata = {
    ...draft.metadata,
    namespace,
    labels: { ...childLabels(name), ...draft.metadata.labels },
    annotations: { ...draft.metadata.annotations },
    ownerReferences: [ownerReference(platformServices, service)],
  };
  metadata.annotations[annotations.applied] = contentHash({ ...draft, metadata });
  return { resource, object: { ...draft, metadata } as Draft<T>, how };
}

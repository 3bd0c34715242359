import { resources } from "@plinth/kube";
import { type Child, child } from "../child.ts";
import { childNames } from "../labels.ts";
import type { ServiceObject } from "../resources.ts";

/** The cluster's public keys of ServiceAccount tokens, so that pods verify them without asking the API server. */
export function workloadKeys(service: ServiceObject, jwks: string): Child {
  return child(resources.configMaps, service, {
    metadata: { name: childNames.workloadKeys(service.metadata.name) },
    data: { "jwks.json": jwks },
  });
}

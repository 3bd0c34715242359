import type { Schema } from "./schema.ts";
import { spec } from "./spec.ts";
import { status } from "./status.ts";
import { objectName, serviceNameMaxLength, stringMap } from "./values.ts";

export const group = "plinth.dev";
export const version = "v1alpha1";
export const kind = "PlatformService";
export const apiVersion = `${group}/${version}` as const;

/** What a manifest may say in metadata. Kubernetes has its own schema for it, so it stays out of the CRD. */
export const metadata = {
  type: "object",
  required: ["name"],
  properties: {
    name: { type: "string", minLength: 1, maxLength: 253 },
    namespace: { ...objectName, maxLength: 63 },
    labels: stringMap,
    annotations: stringMap,
  },
} as const satisfies Schema;

/** The one definition of a PlatformService: validation, defaults, types and the CRD come from it. */
export const platformService = {
  type: "object",
  required: ["apiVersion", "kind", "metadata", "spec"],
  properties: {
    apiVersion: { type: "string", enum: [apiVersion] },
    kind: { type: "string", enum: [kind] },
    metadata,
    spec,
    status,
  },
  "x-kubernetes-validations": [
    {
      rule: "self.metadata.name.matches('^[a-z]([a-z0-9-]*[a-z0-9])?$')",
      message:
        "metadata.name must be lower-case letters, digits and dashes, starting with a letter, because a Kubernetes Service carries it",
    },
    {
      rule: `size(self.metadata.name) <= ${serviceNameMaxLength}`,
      message: `metadata.name must have at most ${serviceNameMaxLength} characters, so that names made from it fit`,
    },
  ],
} as const satisfies Schema;

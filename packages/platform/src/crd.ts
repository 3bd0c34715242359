import { stringify } from "yaml";
import { releaseMarks } from "./release-marks.ts";
import { group, kind, platformService, version } from "./schema/platform-service.ts";
import type { Schema } from "./schema/schema.ts";

const condition = (type: string) => `.status.conditions[?(@.type=="${type}")]`;

/** The CustomResourceDefinition, as a value. */
export function platformServiceCrd(): object {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `platformservices.${group}`, ...releaseMarks },
    spec: {
      group,
      scope: "Namespaced",
      names: {
        kind,
        listKind: `${kind}List`,
        plural: "platformservices",
        singular: "platformservice",
        shortNames: ["psvc"],
        categories: ["all", "plinth"],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: {
            status: {},
            scale: {
              specReplicasPath: ".spec.replicas",
              statusReplicasPath: ".status.replicas.desired",
            },
          },
          additionalPrinterColumns: [
            { name: "Ready", type: "string", jsonPath: `${condition("Ready")}.status` },
            { name: "Reason", type: "string", jsonPath: `${condition("Ready")}.reason` },
            { name: "Instances", type: "integer", jsonPath: ".status.replicas.ready" },
            { name: "Image", type: "string", jsonPath: ".status.image" },
            { name: "URL", type: "string", jsonPath: ".status.url" },
            { name: "Message", type: "string", jsonPath: `${condition("Ready")}.message`, priority: 1 },
            { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
          ],
          schema: { openAPIV3Schema: forKubernetes(platformService) },
        },
      ],
    },
  };
}

/** The CustomResourceDefinition, as the YAML file of the chart. */
export function platformServiceCrdYaml(): string {
  return `# Generated from packages/platform by \`npm run generate\`. Do not edit.\n${stringify(platformServiceCrd(), { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

/** Kubernetes knows apiVersion, kind and metadata by itself and takes no restrictions on them beyond rules at the root. */
function forKubernetes(schema: Schema): Schema {
  const { apiVersion: _, kind: __, metadata: ___, ...rest } = schema.properties ?? {};
  return {
    ...schema,
    description: "A service on Plinth: its database, its instances and its route.",
    required: ["spec"],
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      ...rest,
      // Until the operator has looked at an object nobody may take it for finished: kstatus (`helm --wait`, Flux) believes an
      // object without a status.
      status: { ...rest["status"], default: { observedGeneration: -1 } },
    },
  };
}

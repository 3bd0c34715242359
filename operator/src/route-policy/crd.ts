import { stringify } from "yaml";
import { routePolicySchema } from "./schema.ts";

/** The CustomResourceDefinition of RoutePolicy, as a value. */
export function routePolicyCrd(): object {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: "routepolicies.plinth.dev",
      // The label by which tools of the Gateway API find policies.
      labels: { "gateway.networking.k8s.io/policy": "Direct" },
    },
    spec: {
      group: "plinth.dev",
      scope: "Namespaced",
      names: {
        kind: "RoutePolicy",
        listKind: "RoutePolicyList",
        plural: "routepolicies",
        singular: "routepolicy",
        categories: ["plinth"],
      },
      versions: [
        {
          name: "v1alpha1",
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [
            { name: "Route", type: "string", jsonPath: ".spec.targetRef.name" },
            { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
          ],
          schema: {
            openAPIV3Schema: {
              ...routePolicySchema,
              properties: {
                apiVersion: { type: "string" },
                kind: { type: "string" },
                metadata: { type: "object" },
                ...routePolicySchema.properties,
              },
            },
          },
        },
      ],
    },
  };
}

/** The CustomResourceDefinition, as the YAML file of the chart. */
export const routePolicyCrdYaml = (): string =>
  `# Generated from operator/src/route-policy by \`npm run generate\`. Do not edit.\n${stringify(routePolicyCrd(), { lineWidth: 0, aliasDuplicateObjects: false })}`;

import { stringify } from "yaml";
import { group, version } from "./schema/platform-service.ts";
import { routePolicy } from "./schema/route-policy.ts";

/** The CustomResourceDefinition of RoutePolicy, as a value. */
export function routePolicyCrd(): object {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `routepolicies.${group}`,
      // The label by which tools of the Gateway API find policies.
      labels: { "gateway.networking.k8s.io/policy": "Direct" },
    },
    spec: {
      group,
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
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [
            { name: "Route", type: "string", jsonPath: ".spec.targetRef.name" },
            { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
          ],
          schema: {
            openAPIV3Schema: {
              ...routePolicy,
              properties: {
                apiVersion: { type: "string" },
                kind: { type: "string" },
                metadata: { type: "object" },
                ...routePolicy.properties,
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
  `# Generated from packages/platform by \`npm run generate\`. Do not edit.\n${stringify(routePolicyCrd(), { lineWidth: 0, aliasDuplicateObjects: false })}`;

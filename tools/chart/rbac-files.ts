import { stringify } from "yaml";
import * as operator from "../../operator/src/rbac.ts";
import * as gateway from "../../services/gateway/src/kubernetes/rbac.ts";

/** Rules of the chart's roles, by file: exactly what the programs say that they need. */
export function rbacFiles(): Record<string, string> {
  return {
    "operator-cluster.yaml": rules("operator/src/rbac.ts", operator.clusterRules),
    "operator-namespace.yaml": rules("operator/src/rbac.ts", operator.namespaceRules),
    "discovery-cluster.yaml": rules("operator/src/rbac.ts", operator.discoveryRules),
    "gateway-cluster.yaml": rules("services/gateway/src/kubernetes/rbac.ts", gateway.clusterRules),
    "gateway-namespace.yaml": rules("services/gateway/src/kubernetes/rbac.ts", gateway.namespaceRules),
  };
}

const rules = (source: string, list: readonly object[]): string =>
  `# Generated from ${source} by \`npm run generate\`. Do not edit.\n${stringify(list, { lineWidth: 0, aliasDuplicateObjects: false })}`;

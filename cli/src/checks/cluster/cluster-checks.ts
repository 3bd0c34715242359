import type { Check } from "../check.ts";
import { apiChecks } from "./api-checks.ts";
import type { ClusterContext } from "./cluster-context.ts";
import { installChecks } from "./install-checks.ts";
import { secretChecks } from "./secret-checks.ts";
import { serviceChecks } from "./service-checks.ts";

/** A platform on Kubernetes, from the ground up, with reading rights. */
export const clusterChecks: readonly Check<ClusterContext>[] = [
  ...apiChecks,
  ...installChecks,
  ...secretChecks,
  ...serviceChecks,
];

import { findCondition } from "@plinth/kube";
import { platformServices, type ServiceObject } from "@plinth/operator";
import { listAll } from "../checks/cluster/cluster-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { type ClusterOptions, withCluster } from "../kubernetes/open-cluster.ts";
import type { Terminal } from "../terminal.ts";
import { table } from "./table.ts";

export interface ClusterStatusOptions extends ClusterOptions {
  output: "text" | "json";
  allNamespaces: boolean;
}

/** Shows PlatformServices. Exit code 0: all are Ready; 1: one is not; 3: there is none. */
export function clusterStatus(options: ClusterStatusOptions, terminal: Terminal): Promise<number> {
  return withCluster(options, async (cluster) => {
    const namespace = options.allNamespaces ? undefined : cluster.namespace;
    const services = await listAll(cluster, platformServices, { namespace });
    if (options.output === "json") terminal.line(JSON.stringify(services.map(summary), null, 2));
    else if (services.length === 0) terminal.line(`there is no PlatformService in ${namespace ?? "any namespace"}`);
    else for (const line of servicesTable(services)) terminal.line(line);
    if (services.length === 0) return exitCodes.notRunning;
    return services.every((service) => summary(service).ready) ? exitCodes.ok : exitCodes.failed;
  });
}

function summary({ metadata, spec, status }: ServiceObject) {
  const ready = findCondition(status?.conditions, "Ready");
  const { namespace, name, generation } = metadata;
  return {
    ...{ namespace, name },
    ready: ready?.status === "True" && (ready.observedGeneration ?? 0) >= generation,
    reason: spec.paused ? "Paused" : (ready?.reason ?? "NotSeen"),
    instances: `${status?.replicas?.ready ?? 0}/${status?.replicas?.desired ?? 0}`,
    image: status?.image ?? spec.image,
    url: status?.url ?? "",
    message: ready?.message ?? "the operator has not looked at it yet",
  };
}

function servicesTable(services: readonly ServiceObject[]): string[] {
  const rows = services.map(summary);
  return table(
    ["NAMESPACE", "NAME", "READY", "REASON", "INSTANCES", "IMAGE"],
    rows.map((row) => [
      ...[row.namespace, row.name, row.ready ? "yes" : "no", row.reason, row.instances, row.image],
      row.ready ? "" : row.message,
    ]),
  );
}

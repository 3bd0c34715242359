import { systemClock } from "@plinth/kernel";
import { annotations } from "@plinth/operator";
import { exitCodes } from "../exit-codes.ts";
import { patchService } from "../kubernetes/named-service.ts";
import { type ClusterOptions, withCluster } from "../kubernetes/open-cluster.ts";
import type { Terminal } from "../terminal.ts";

/** Has the operator run the migration of a service once more, as if its spec had changed. */
export function retry(name: string, options: ClusterOptions, terminal: Terminal): Promise<number> {
  return withCluster(options, async (cluster) => {
    const now = new Date(systemClock.now()).toISOString();
    await patchService(cluster, name, { metadata: { annotations: { [annotations.retry]: now } } });
    terminal.line(`${name}: its migration runs again; plinth status -n ${cluster.namespace} shows how far it is`);
    return exitCodes.ok;
  });
}

import { exitCodes } from "../exit-codes.ts";
import { patchService } from "../kubernetes/named-service.ts";
import { type ClusterOptions, withCluster } from "../kubernetes/open-cluster.ts";
import type { Terminal } from "../terminal.ts";

/** Sets spec.paused: the operator leaves everything of the service as it is, or goes on. */
export function pause(name: string, paused: boolean, options: ClusterOptions, terminal: Terminal): Promise<number> {
  return withCluster(options, async (cluster) => {
    await patchService(cluster, name, { spec: { paused } });
    terminal.line(
      paused
        ? `${name} is paused: what runs goes on, nothing is changed until plinth resume ${name}`
        : `${name} is not paused any more`,
    );
    return exitCodes.ok;
  });
}

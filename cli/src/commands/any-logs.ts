import { namedTarget, type TargetOptions } from "../kubernetes/choose-target.ts";
import type { Terminal } from "../terminal.ts";

export interface AnyLogsOptions extends TargetOptions {
  follow: boolean;
  lines: number;
  json: boolean;
  previous: boolean;
}

/** Logs of this machine's services, or of a PlatformService's pods when the command line names a cluster. */
export async function anyLogs(
  service: string | undefined,
  options: AnyLogsOptions,
  terminal: Terminal,
): Promise<number> {
  if (namedTarget(options) === "cluster") {
    return (await import("./cluster-logs.ts")).clusterLogs(service, options, terminal);
  }
  return (await import("./logs.ts")).logs(service, options, terminal);
}

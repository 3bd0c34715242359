import { namedTarget, type TargetOptions } from "../kubernetes/choose-target.ts";
import type { Terminal } from "../terminal.ts";

export interface AnyStatusOptions extends TargetOptions {
  output: "text" | "json";
  allNamespaces: boolean;
}

/** Shows what runs here, or PlatformServices when the command line names a cluster. */
export async function anyStatus(options: AnyStatusOptions, terminal: Terminal): Promise<number> {
  if (options.allNamespaces || namedTarget(options) === "cluster") {
    return (await import("./cluster-status.ts")).clusterStatus(options, terminal);
  }
  return (await import("./status.ts")).status(options, terminal);
}

import { CommandFailure, exitCodes } from "../exit-codes.ts";
import { control } from "../local/control-socket.ts";
import { localPaths } from "../local/local-paths.ts";
import { type ClusterOptions, kubeconfigPath } from "./open-cluster.ts";

/** Of a command that knows both substrates. */
export interface TargetOptions extends ClusterOptions {
  data: string;
  /** True, or named by implication: the platform on Kubernetes. */
  cluster?: boolean;
}

export type Target = "local" | "cluster";

/** What the command line names; undefined when it leaves the choice open. */
export function namedTarget({ cluster, kubeconfig, context, namespace }: TargetOptions): Target | undefined {
  return cluster || kubeconfig !== undefined || context !== undefined || namespace !== undefined
    ? "cluster"
    : undefined;
}

/** What the command line names, else what runs here, else the cluster that kubectl would talk to. */
export async function chooseTarget(options: TargetOptions): Promise<Target> {
  const named = namedTarget(options);
  if (named) return named;
  if (await control(localPaths(options.data).controlSocket).status()) return "local";
  if (kubeconfigPath(undefined) !== undefined) return "cluster";
  throw new CommandFailure(
    `no platform runs on ${options.data}, and there is no kubeconfig: start one with npm start, or name a cluster with --kubeconfig and --context`,
    exitCodes.failed,
  );
}

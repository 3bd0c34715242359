import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { runAndReport } from "../checks/run-and-report.ts";
import { chooseTarget, type TargetOptions } from "../kubernetes/choose-target.ts";
import type { Terminal } from "../terminal.ts";

export interface CheckOptions extends TargetOptions {
  output: "text" | "json";
  /** How long to go on while a check fails. */
  wait: number;
}

/** Where the chart installs unless told otherwise. */
const usualNamespace = "plinth";

/** Looks at a platform that runs, here or on Kubernetes, and says what is wrong and what to do. */
export async function check(options: CheckOptions, terminal: Terminal): Promise<number> {
  const data = path.resolve(options.data);
  const { output, wait: waitMs } = options;
  if ((await chooseTarget({ ...options, data })) === "local") {
    const { localChecks } = await import("../checks/local/local-checks.ts");
    const { openLocalContext } = await import("../checks/local/local-context.ts");
    const open = async () => openLocalContext(data, systemClock);
    const works = `the platform on ${data} works`;
    return runAndReport({ checks: localChecks, open, close: (it) => it.close(), output, waitMs, works }, terminal);
  }
  const { clusterChecks } = await import("../checks/cluster/cluster-checks.ts");
  const { clusterContext } = await import("../checks/cluster/cluster-context.ts");
  const { openCluster } = await import("../kubernetes/open-cluster.ts");
  const open = async () => clusterContext(await openCluster(options), options.namespace ?? usualNamespace);
  const works = "the platform on Kubernetes works";
  return runAndReport({ checks: clusterChecks, open, close: (it) => it.close(), output, waitMs, works }, terminal);
}

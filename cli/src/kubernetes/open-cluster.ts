import { existsSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { type Clock, systemClock, systemRandom } from "@plinth/kernel";
import {
  type ApiClient,
  type ClusterConfig,
  createApiClient,
  createHttpTransport,
  loadClusterConfig,
  type Transport,
} from "@plinth/kube";

/** Which cluster, as the command line names it. */
export interface ClusterOptions {
  kubeconfig?: string;
  context?: string;
  namespace?: string;
}

/** A cluster that was opened; close it. */
export interface Cluster {
  config: ClusterConfig;
  transport: Transport;
  client: ApiClient;
  /** The one named, else that of the context. */
  namespace: string;
  clock: Clock;
  close(): Promise<void>;
}

/** The kubeconfig that kubectl would read: the option, KUBECONFIG, ~/.kube/config; undefined is the pod's own account. */
export function kubeconfigPath(option: string | undefined): string | undefined {
  const chosen = option ?? process.env["KUBECONFIG"];
  if (chosen) return chosen;
  const usual = path.join(homedir(), ".kube", "config");
  return existsSync(usual) ? usual : undefined;
}

/** Throws Fault KUBECONFIG_UNUSABLE; nothing is sent yet. */
export async function openCluster(options: ClusterOptions, clock: Clock = systemClock): Promise<Cluster> {
  const { context, namespace } = options;
  const config = await loadClusterConfig({ kubeconfig: kubeconfigPath(options.kubeconfig), context });
  const tools = { clock, random: systemRandom };
  const transport = createHttpTransport({ cluster: config, userAgent: "plinth-cli/0.1.0", ...tools });
  return {
    ...{ config, transport, clock },
    client: createApiClient(transport),
    namespace: namespace ?? config.namespace,
    close: () => transport.close(),
  };
}

/** Opens, works, closes. */
export async function withCluster<T>(options: ClusterOptions, work: (cluster: Cluster) => Promise<T>): Promise<T> {
  const cluster = await openCluster(options);
  try {
    return await work(cluster);
  } finally {
    await cluster.close();
  }
}

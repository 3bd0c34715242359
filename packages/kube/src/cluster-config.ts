import type { OutgoingHttpHeaders } from "node:http";
import path from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { Fault } from "@plinth/kernel";

export interface ClusterCredentials {
  headers: Record<string, string>;
  /** PEM; absent for a plain-text server. */
  tls: ClusterTls;
}

export interface ClusterTls {
  ca?: Buffer | string;
  cert?: Buffer | string;
  key?: Buffer | string;
  servername?: string;
  rejectUnauthorized?: boolean;
}

/** One API server and how to prove who we are. */
export interface ClusterConfig {
  /** For example https://10.0.0.1:443 */
  server: string;
  /** Namespace of the context, or of the pod. */
  namespace: string;
  /** Reads token, CA and client certificate anew as needed; `fresh` skips every cache (after a 401). */
  credentials(fresh?: boolean): Promise<ClusterCredentials>;
}

export interface ClusterConfigOptions {
  /** Value of KUBECONFIG: one file or several, separated as PATH is. Absent: the pod's own ServiceAccount. */
  kubeconfig: string | undefined;
  /** Absent: the current context. */
  context?: string | undefined;
}

/** Reads a kubeconfig or the in-cluster configuration with client-node, which knows every way to sign in. Throws Fault. */
export async function loadClusterConfig(options: ClusterConfigOptions): Promise<ClusterConfig> {
  // Imported when used: a process that never talks to Kubernetes does not pay for it. This module alone: the package's
  // entry would load a class for every kind and API group, 5 MB of code that nobody here calls.
  const { KubeConfig: Config } = await import("@kubernetes/client-node/dist/config.js");
  const load = (): KubeConfig => readConfig(() => new Config(), options);
  let config = load();
  const cluster = config.getCurrentCluster();
  if (!cluster?.server) throw unusable("it names no cluster for its current context");
  if (cluster.proxyUrl) throw unusable("proxy-url is not supported; reach the API server directly");
  return {
    server: cluster.server.replace(/\/+$/, ""),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace?.trim() || "default",
    async credentials(fresh = false) {
      if (fresh) config = load();
      return readCredentials(config);
    },
  };
}

function readConfig(create: () => KubeConfig, options: ClusterConfigOptions): KubeConfig {
  const config = create();
  try {
    if (options.kubeconfig) {
      const [first, ...others] = options.kubeconfig.split(path.delimiter).filter((file) => file !== "");
      config.loadFromFile(first ?? "");
      for (const file of others) {
        const other = create();
        other.loadFromFile(file);
        config.mergeConfig(other, true);
      }
    } else {
      config.loadFromCluster();
    }
  } catch (err) {
    throw unusable(err instanceof Error ? err.message : String(err), err);
  }
  if (options.context) config.setCurrentContext(options.context);
  const cluster = config.getCurrentCluster();
  if (cluster?.server.includes("undefined")) throw unusable("this is no pod; name a kubeconfig file");
  return config;
}

async function readCredentials(config: KubeConfig): Promise<ClusterCredentials> {
  // client-node writes headers and TLS material into the options of a request of node:https.
  const request: ClusterTls & { headers?: OutgoingHttpHeaders; auth?: string } = {};
  const cluster = config.getCurrentCluster();
  const plainText = cluster?.server.startsWith("http:") === true;
  if (cluster && plainText) Object.assign(cluster, { skipTLSVerify: true });
  await config.applyToHTTPSOptions(request);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers ?? {})) headers[name.toLowerCase()] = String(value).trim();
  if (request.auth) headers["authorization"] = `Basic ${Buffer.from(request.auth).toString("base64")}`;
  return { headers, tls: plainText ? {} : tlsOf(request) };
}

const tlsOf = (request: ClusterTls): ClusterTls => ({
  ...(request.ca === undefined ? {} : { ca: request.ca }),
  ...(request.cert === undefined ? {} : { cert: request.cert }),
  ...(request.key === undefined ? {} : { key: request.key }),
  ...(request.servername === undefined ? {} : { servername: request.servername }),
  ...(request.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: request.rejectUnauthorized }),
});

const unusable = (why: string, cause?: unknown): Fault =>
  new Fault({
    code: "failed_precondition",
    reason: "KUBECONFIG_UNUSABLE",
    message: `the Kubernetes configuration cannot be used: ${why}`,
    cause,
  });

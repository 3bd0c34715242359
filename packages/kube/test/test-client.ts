import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { type ApiClient, createApiClient } from "../src/api-client.ts";
import type { ClusterConfig } from "../src/cluster-config.ts";
import { createHttpTransport } from "../src/http-transport.ts";
import type { ObjectOf, Resource } from "../src/resource.ts";
import type { Transport } from "../src/transport.ts";

export const plainOptions = { clock: systemClock, random: systemRandom, logger: silentLogger };

export function connect(cluster: ClusterConfig): { client: ApiClient; transport: Transport } {
  const transport = createHttpTransport({ cluster, userAgent: "plinth-kube-test", ...plainOptions, timeoutMs: 60_000 });
  return { client: createApiClient(transport), transport };
}

export type Note = ObjectOf<{ metadata?: object; data?: { [key: string]: string } }>;
/** ConfigMaps under a short name. */
export const notes: Resource<Note> = { apiVersion: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true };

/** A ConfigMap as a server would send it. */
export const note = (name: string, version: number, options: { uid?: string; text?: string } = {}): Note => ({
  metadata: { name, namespace: "default", uid: options.uid ?? `uid-${name}`, resourceVersion: String(version) },
  data: { text: options.text ?? `v${version}` },
});

import { initialReplicas, type NormalPlatformService } from "@plinth/platform";

/** A service of the local platform: its manifest and the folder that the manifest lies in. */
export interface LocalService {
  name: string;
  manifest: NormalPlatformService;
  /** Absolute. */
  file: string;
  /** Absolute; src/main.ts, migrations/ and spec.local.dir are relative to it. */
  folder: string;
  /** Part of Plinth itself, not given with -f. */
  core: boolean;
}

/** The service that listens on the port people use. */
export const gatewayName = "gateway";

/** Whether the kernel hands connections of one port to two processes (SO_REUSEPORT): then the edge is replaced without a gap. */
export const gatewaySharesPort: boolean = process.platform === "linux";

export interface ReplicaCounts {
  [name: string]: number;
}

/** The command line wins over the manifest; one machine starts with one instance unless told otherwise. */
export function replicasOf(service: LocalService, counts: ReplicaCounts): number {
  return counts[service.name] ?? Math.min(1, initialReplicas(service.manifest.spec));
}

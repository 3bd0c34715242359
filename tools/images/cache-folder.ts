import { homedir } from "node:os";
import path from "node:path";

/** A place in the cluster's cache, outside any clone; as in e2e/cluster/settings.sh. */
export function cacheFolder(name: string): string {
  const caches = process.env["XDG_CACHE_HOME"] ?? path.join(homedir(), ".cache");
  return path.join(process.env["PLINTH_CLUSTER_CACHE"] ?? path.join(caches, "plinth-cluster"), name);
}

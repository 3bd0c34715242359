import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import path from "node:path";
import { companions } from "./companions/registry.ts";

/** Where the local substrate keeps everything of one platform. */
export interface LocalPaths {
  /** The folder of it all, `.plinth` in the repository unless chosen otherwise. */
  home: string;
  postgresData: string;
  /** What lives only as long as a run: tokens, routes, the control socket. */
  run: string;
  logs: string;
  /** The newest spans of every instance. */
  traces: string;
  /** Manifests as the gateway reads them. */
  routes: string;
  /** What V8 made of the code of bundles. */
  compiled: string;
  /** Bundles of libraries that services share. */
  libraries: string;
  secrets: string;
  admin: string;
  workloadJwks: string;
  controlSocket: string;
}

// Linux allows 107 bytes, macOS 103.
const socketPathMaxBytes = 100;

export function localPaths(home: string): LocalPaths {
  const run = path.join(home, "run");
  return {
    home,
    run,
    postgresData: path.join(home, "data", "postgres"),
    logs: path.join(home, "logs"),
    traces: path.join(home, "traces"),
    routes: path.join(run, "routes"),
    compiled: path.join(run, "compiled"),
    libraries: path.join(home, "libraries"),
    secrets: path.join(home, "secrets.json"),
    admin: path.join(home, "admin.json"),
    workloadJwks: path.join(run, "workload-jwks.json"),
    controlSocket: socketPath(path.join(run, "control.sock"), home),
  };
}

/** Entries of the home folder that belong to the substrate: what a reset removes. */
export const ownedEntries = [
  "data",
  "run",
  "logs",
  "traces",
  "libraries",
  "secrets.json",
  "admin.json",
  ...companions.keys(),
];

function socketPath(wanted: string, home: string): string {
  if (Buffer.byteLength(wanted) <= socketPathMaxBytes) return wanted;
  const id = createHash("sha256").update(home).digest("hex").slice(0, 16);
  return path.join(tmpdir(), `plinth-${process.getuid?.() ?? 0}-${id}`, "control.sock");
}

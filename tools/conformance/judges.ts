import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { cacheFolder } from "../images/cache-folder.ts";

/** Programs of others that judge our server and our client. */
export interface Judges {
  connect: string;
  grpcClient: string;
  grpcServer: string;
}

const connect = "connectrpc.com/conformance/cmd/connectconformance@v1.0.7";
const grpc = "google.golang.org/grpc/interop";
const grpcVersion = "v1.84.0";

/**
 * Builds what is missing, once, into the cluster's cache, outside any clone (about 3 minutes with empty Go caches). Throws
 * when Go is missing or a build fails.
 */
export function buildJudges(): Judges {
  return {
    connect: goInstall(connect),
    grpcClient: goInstall(`${grpc}/client@${grpcVersion}`, "grpc-interop-client"),
    grpcServer: goInstall(`${grpc}/server@${grpcVersion}`, "grpc-interop-server"),
  };
}

/** The program of a module, kept under a name that holds its version. */
function goInstall(module: string, name = path.basename(module.replace(/@.*/, ""))): string {
  const folder = cacheFolder("bin");
  const kept = path.join(folder, `${name}-${module.replace(/.*@/, "")}`);
  if (existsSync(kept)) return kept;
  process.stderr.write(`building ${module} into ${folder}\n`);
  mkdirSync(folder, { recursive: true });
  const partial = mkdtempSync(path.join(folder, `.${name}-`));
  try {
    execFileSync("go", ["install", "-trimpath", module], {
      stdio: ["ignore", 2, 2],
      env: { ...process.env, GOBIN: partial, CGO_ENABLED: "0" },
    });
    renameSync(path.join(partial, path.basename(module.replace(/@.*/, ""))), kept);
  } catch (err) {
    throw new Error(`${module} could not be built; is Go 1.26 or later installed, and its module proxy reachable?`, {
      cause: err,
    });
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return kept;
}

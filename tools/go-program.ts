import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { cacheFolder } from "./images/cache-folder.ts";

/**
 * The program of a Go module, "example.org/module/cmd/program@v1.2.3", under a name that holds its version. Built when it is
 * missing, once, into the cluster's cache, outside any clone. Throws when Go is missing or the build fails.
 */
export function goProgram(module: string, name = path.basename(module.replace(/@.*/, ""))): string {
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

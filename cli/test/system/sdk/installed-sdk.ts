import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

export const run = promisify(execFile);
const sdk = path.resolve(import.meta.dirname, "../../../../sdk/typescript");

/** The package as a user has it: packed, and installed by npm in a folder that knows nothing of this repository. */
export interface InstalledSdk {
  folder: string;
  /** Paths in the tarball. */
  files: string[];
  remove(): Promise<void>;
}

interface Packed {
  filename: string;
  files: { path: string }[];
}

/** Builds, packs and installs; the programs of sdk/typescript/test/programs lie beside node_modules. */
export async function installSdk(): Promise<InstalledSdk> {
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-sdk-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await run(process.execPath, ["build.mjs"], { cwd: sdk });
    const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: sdk });
    const [packed] = Object.values(JSON.parse(stdout) as Record<string, Packed>);
    if (!packed) throw new Error(`npm pack said nothing of the package: ${stdout}`);
    await writeFile(path.join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
    const { devDependencies } = JSON.parse(await readFile(path.join(sdk, "../../package.json"), "utf8"));
    const wanted = [`./${packed.filename}`, `@types/node@${devDependencies["@types/node"]}`];
    const quick = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
    await run("npm", ["install", ...quick, ...wanted], { cwd: folder });
    await cp(path.join(sdk, "test/programs"), folder, { recursive: true });
    return { folder, files: packed.files.map((file) => file.path), remove };
  } catch (err) {
    await remove();
    throw err;
  }
}

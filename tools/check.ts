// Everything that can be told without running the platform: format, lint, types, contracts, directions, known
// vulnerabilities, generated code.
// Runs all of it, however much fails, and says at the end what did.
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { exitCode, root } from "./run.ts";
import { languages } from "./sdk/languages.ts";

interface Check {
  name: string;
  /** What to do when it fails. */
  fix: string;
  run(): Promise<boolean>;
}

const command =
  (program: string, ...args: string[]) =>
  async (): Promise<boolean> =>
    (await exitCode(program, args)) === 0;

const checks: readonly Check[] = [
  { name: "format and lint", fix: "npm run format", run: command("biome", "ci", ".") },
  { name: "types", fix: "see above", run: command("tsc", "--noEmit") },
  { name: "contracts", fix: "see above", run: command(process.execPath, "tools/check-contracts.ts") },
  { name: "dependencies", fix: "see above", run: command(process.execPath, "tools/check-dependencies.ts") },
  {
    name: "known vulnerabilities",
    fix: "npm audit fix, or another package",
    run: command(process.execPath, "tools/audit-dependencies.ts"),
  },
  { name: "generated files", fix: "npm run generate, then commit", run: generatedFilesAreCurrent },
];

/** What `npm run generate` writes; folders whole. */
const generated = [
  "proto/gen",
  "examples/notes/gen",
  ...languages.flatMap(({ folders }) => folders),
  ...["crds", "files/services", "files/rbac", "values.yaml", "values.schema.json", "README.md"].map(
    (name) => `charts/plinth/${name}`,
  ),
  "compose.yaml",
  "docs/commands.md",
  "docs/configuration.md",
  "docs/licences.md",
  "docs/limits.md",
  "docs/metrics.md",
];

/** Generates once more; what changes was out of date. Works on uncommitted files as well. */
async function generatedFilesAreCurrent(): Promise<boolean> {
  const before = contents(generated);
  if ((await exitCode(process.execPath, ["tools/generate.ts"])) !== 0) return false;
  const after = contents(generated);
  const stale = [...new Set([...before.keys(), ...after.keys()])].filter(
    (file) => before.get(file) !== after.get(file),
  );
  for (const file of stale) process.stderr.write(`${file} was out of date\n`);
  return stale.length === 0;
}

function contents(names: readonly string[]): Map<string, string> {
  const files = names.flatMap((name) => {
    const absolute = path.join(root, name);
    const found = statSync(absolute, { throwIfNoEntry: false });
    if (!found?.isDirectory()) return found ? [absolute] : [];
    return readdirSync(absolute, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name));
  });
  return new Map(files.map((file) => [path.relative(root, file), readFileSync(file, "latin1")]));
}

const failed: Check[] = [];
for (const check of checks) {
  process.stdout.write(`\n== ${check.name}\n`);
  const begin = performance.now();
  const passed = await check.run().catch((err: unknown) => {
    process.stderr.write(`${err instanceof Error ? err.message : String(err)}\n`);
    return false;
  });
  if (!passed) failed.push(check);
  process.stdout.write(`${passed ? "passed" : "FAILED"} in ${((performance.now() - begin) / 1000).toFixed(1)} s\n`);
}
process.stdout.write(`\n${checks.length - failed.length} checks passed, ${failed.length} failed\n`);
for (const { name, fix } of failed) process.stdout.write(`FAILED: ${name} (${fix})\n`);
process.exitCode = failed.length === 0 ? 0 : 1;

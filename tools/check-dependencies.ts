// Imports point one way, are declared where they are used, and nothing is declared for nothing.
import { readWorkspace } from "./dependencies/read-workspace.ts";
import { findProblems } from "./dependencies/rules.ts";
import { root } from "./run.ts";

const parts = readWorkspace(root);
const problems = findProblems(parts);
for (const problem of problems) process.stderr.write(`${problem}\n`);
const imports = parts.reduce((sum, part) => sum + part.imports.length, 0);
process.stdout.write(`dependencies: ${parts.length} packages, ${imports} imports, ${problems.length} problems\n`);
process.exitCode = problems.length === 0 ? 0 : 1;

// Builds dist/ from src/: tsc writes JavaScript, declarations and source maps, one file for each. The same sources give the
// same bytes.
import { spawnSync } from "node:child_process";
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

const folder = import.meta.dirname;
rmSync(path.join(folder, "dist"), { recursive: true, force: true });
const { status, error } = spawnSync("tsc", ["--project", folder], { stdio: "inherit" });
if (error) throw error;
if (status !== 0) process.exit(status ?? 1);
// In declarations tsc leaves the names of the sources, which not every tool finds the declarations by.
for (const file of globSync("dist/**/*.d.ts", { cwd: folder })) {
  const declarations = path.join(folder, file);
  const text = readFileSync(declarations, "utf8");
  writeFileSync(declarations, text.replace(/(from |import\()"(\.{1,2}\/[^"]+)\.ts"/g, '$1"$2.js"'));
}

// Regenerates everything that is generated and committed: code from proto, CRDs from their schemas, reference pages, what the chart holds.
import { existsSync } from "node:fs";
import path from "node:path";
import { root, run } from "./run.ts";

await run("buf", ["generate"]);
for (const script of [
  "packages/platform/src/generate-crd.ts",
  "tools/generate-reference.ts",
  "tools/generate-chart.ts",
  "tools/generate-sdk.ts",
  "tools/generate-compose.ts",
]) {
  if (existsSync(path.join(root, script))) await run(process.execPath, [script]);
}

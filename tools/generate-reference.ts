// Writes the reference pages that are made from the source: docs/configuration.md and docs/limits.md.
import { writeFileSync } from "node:fs";
import path from "node:path";
import { configurationReference } from "./reference/configuration.ts";
import { limitsReference } from "./reference/limits.ts";
import { root } from "./run.ts";

writeFileSync(path.join(root, "docs/configuration.md"), await configurationReference());
writeFileSync(path.join(root, "docs/limits.md"), await limitsReference());

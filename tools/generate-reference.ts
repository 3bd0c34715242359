// Writes the reference pages that are made from the source: docs/commands.md, configuration.md, licences.md, limits.md and
// metrics.md.
import { writeFileSync } from "node:fs";
import path from "node:path";
import { commandReference } from "@plinth/cli/command-reference";
import { configurationReference } from "./reference/configuration.ts";
import { limitsReference } from "./reference/limits.ts";
import { metricsReference } from "./reference/metrics.ts";
import { root } from "./run.ts";
import { licencesReference } from "./supply/licences.ts";

writeFileSync(path.join(root, "docs/commands.md"), commandReference());
writeFileSync(path.join(root, "docs/configuration.md"), await configurationReference());
writeFileSync(path.join(root, "docs/limits.md"), await limitsReference());
writeFileSync(path.join(root, "docs/metrics.md"), metricsReference());
writeFileSync(path.join(root, "docs/licences.md"), await licencesReference());

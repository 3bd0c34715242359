// Writes compose.yaml from the manifests of the platform's own services.
import { writeFileSync } from "node:fs";
import path from "node:path";
import { renderCompose } from "@plinth/cli";
import { root } from "./run.ts";

writeFileSync(path.join(root, "compose.yaml"), await renderCompose(root));

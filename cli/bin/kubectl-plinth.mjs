#!/usr/bin/env node
// Runs the CLI as a plugin of kubectl (`kubectl plinth`) with the Node that the repository pins; this file itself runs on Node 20.
import path from "node:path";
import { fileURLToPath } from "node:url";

const bootstrap = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../tools/bootstrap.mjs");
process.argv.splice(1, 1, bootstrap, "cli/src/kubectl-main.ts");
await import(bootstrap);

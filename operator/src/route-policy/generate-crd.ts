// Writes the CustomResourceDefinition into the chart; run by `npm run generate`.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { routePolicyCrdYaml } from "./crd.ts";

const file = path.resolve(import.meta.dirname, "../../../charts/plinth/crds/plinth.dev_routepolicies.yaml");
mkdirSync(path.dirname(file), { recursive: true });
writeFileSync(file, routePolicyCrdYaml());

// Writes the CustomResourceDefinitions into the chart; run by `npm run generate`.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { platformServiceCrdYaml } from "./crd.ts";
import { routePolicyCrdYaml } from "./route-policy-crd.ts";

const folder = path.resolve(import.meta.dirname, "../../../charts/plinth/crds");
mkdirSync(folder, { recursive: true });
writeFileSync(path.join(folder, "plinth.dev_platformservices.yaml"), platformServiceCrdYaml());
writeFileSync(path.join(folder, "plinth.dev_routepolicies.yaml"), routePolicyCrdYaml());

// Regenerates everything that is generated and committed: code from proto, the CRD from the PlatformService schema.
import { run } from "./run.ts";

await run("buf", ["generate"]);
await run(process.execPath, ["packages/platform/src/generate-crd.ts"]);

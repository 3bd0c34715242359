// `kubectl plinth`: the same commands, which mean Kubernetes where they know both substrates.
import { runProgram } from "./run-program.ts";

await runProgram({ asPlugin: true });

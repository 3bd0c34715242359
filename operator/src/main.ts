import { setFlagsFromString } from "node:v8";
import { runProcess } from "@plinth/kernel";
import { composeOperator } from "./app.ts";
import { version } from "./version.ts";

// Most of what the operator reads is garbage at once. By default the heap grows to twice what lives in it; an operator has
// time to collect more often. NODE_OPTIONS does not take this flag.
setFlagsFromString("--memory-saver-mode");

await runProcess("operator", () => composeOperator(process.env, { version }));

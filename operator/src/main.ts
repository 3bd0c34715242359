import { runProcess } from "@plinth/kernel";
import { composeOperator } from "./app.ts";
import { version } from "./version.ts";

await runProcess("operator", () => composeOperator(process.env, { version }));

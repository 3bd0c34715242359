import { CommandFailure, exitCodes } from "./exit-codes.ts";
import { createProgram, UsageEnd } from "./program.ts";
import { createTerminal } from "./terminal.ts";

// A reader that has seen enough (`| head`) is no failure.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

const terminal = createTerminal({
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  colours: process.stdout.isTTY === true && !process.env["NO_COLOR"],
});

try {
  await createProgram(terminal, (code) => {
    process.exitCode = code;
  }).parseAsync();
} catch (err) {
  if (!(err instanceof UsageEnd)) terminal.note(`plinth: ${(err as Error).message}`);
  process.exitCode = err instanceof CommandFailure || err instanceof UsageEnd ? err.code : exitCodes.failed;
}

import { CommandFailure, exitCodes } from "./exit-codes.ts";
import { createProgram, UsageEnd } from "./program.ts";
import { createTerminal } from "./terminal.ts";

/** Runs the command line of this process and sets its exit code. */
export async function runProgram(options: { asPlugin: boolean }): Promise<void> {
  // A reader that has seen enough (`| head`) is no failure.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const terminal = createTerminal({
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    colours: process.stdout.isTTY === true && !process.env["NO_COLOR"],
  });
  const exit = (code: number): void => {
    process.exitCode = code;
  };
  try {
    await createProgram(terminal, exit, options.asPlugin).parseAsync();
  } catch (err) {
    if (!(err instanceof UsageEnd)) terminal.note(`plinth: ${(err as Error).message}`);
    process.exitCode = err instanceof CommandFailure || err instanceof UsageEnd ? err.code : exitCodes.failed;
  }
}

import pino from "pino";

/** Takes whole lines, each with its line feed. */
export type WriteLine = (line: string) => void;

/** Lines are collected up to this size, or for this long, before they are written: one system call for many lines. */
const bufferBytes = 16_000;
const flushMs = 50;

/** Writes lines to standard output, in order and never mixed; what is still collected is written when the process ends. */
export function createLineWriter(): WriteLine {
  // Synchronous: a write of many lines is cheaper than handing it to another thread.
  const destination = pino.destination({ fd: 1, sync: true });
  let collected = "";
  const write = () => {
    if (collected === "") return;
    const lines = collected;
    collected = "";
    destination.write(lines);
  };
  setInterval(write, flushMs).unref();
  process.once("exit", () => {
    write();
    destination.flushSync();
  });
  return (line) => {
    collected += line;
    if (collected.length >= bufferBytes) write();
  };
}

import { createTerminal, type Terminal } from "../src/terminal.ts";

/** A terminal whose text can be read, of both streams together. */
export interface Captured {
  terminal: Terminal;
  /** Everything that was written. */
  text(): string;
}

export function captured(): Captured {
  let written = "";
  const add = (text: string): void => {
    written += text;
  };
  return { terminal: createTerminal({ out: add, err: add, colours: false }), text: () => written };
}

/** Where a command writes for a person. Plain lines: no cursor movement, colours only on a terminal that has them. */
export interface Terminal {
  /** A line of the command's own result (standard output). */
  line(text?: string): void;
  /** Progress and problems (standard error). */
  note(text: string): void;
  /** Colours `text` by an index; returns it unchanged where there are no colours. */
  tint(text: string, colour: number): string;
}

// Cyan, yellow, green, magenta, blue and their bright siblings; red is left to errors.
const palette = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];

export interface TerminalOptions {
  out: (text: string) => void;
  err: (text: string) => void;
  colours: boolean;
}

export function createTerminal(options: TerminalOptions): Terminal {
  return {
    line: (text = "") => options.out(`${text}\n`),
    note: (text) => options.err(`${text}\n`),
    tint: (text, colour) => (options.colours ? `\u001b[${palette[colour % palette.length]}m${text}\u001b[0m` : text),
  };
}

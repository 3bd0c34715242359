import type { LocalService } from "../local/local-service.ts";
import type { Terminal } from "../terminal.ts";

/** Shows lines as "identity | text", names aligned and tinted. */
export function createPrinter(
  terminal: Terminal,
  services: readonly LocalService[],
): (label: string, text: string) => void {
  let width = Math.max(8, ...services.map(({ name }) => name.length));
  const colours = new Map<string, number>();
  return (label, text) => {
    width = Math.max(width, label.length);
    const colour = colours.get(label) ?? colours.size;
    colours.set(label, colour);
    terminal.line(`${terminal.tint(`${label.padEnd(width)} |`, colour)} ${text}`);
  };
}

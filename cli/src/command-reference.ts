import { createProgram } from "./program.ts";
import { createTerminal } from "./terminal.ts";

interface Shown {
  /** With arguments, as it is typed. */
  usage: string;
  description: string;
  options: { flags: string; description: string }[];
}

/** The page of all commands, from the same declarations that `--help` is made of. */
export function commandReference(): string {
  const commands = shownCommands().map(({ usage, description, options }) =>
    [
      `## \`${usage}\``,
      "",
      `${description[0]?.toUpperCase()}${description.slice(1)}.`,
      ...(options.length === 0 ? [] : ["", "| option | meaning |", "|---|---|"]),
      ...options.map(
        ({ flags, description }) => `| \`${flags.replaceAll("|", "\\|")}\` | ${description.replaceAll("|", "\\|")} |`,
      ),
      "",
    ].join("\n"),
  );
  return [
    "# Commands",
    "",
    "<!-- Generated from cli/src/program.ts by `npm run generate`. Do not edit. -->",
    "",
    "Every command of `plinth` (here: `npx plinth`, on a cluster also `kubectl plinth`). Exit codes: 0 done, 1 failed, 2 wrong usage, 3 nothing runs. What goes wrong and why stands in [troubleshooting](troubleshooting.md).",
    "",
    ...commands,
  ]
    .join("\n")
    .trimEnd()
    .concat("\n");
}

function shownCommands(): Shown[] {
  const program = createProgram(createTerminal({ out: () => {}, err: () => {}, colours: false }), () => {});
  const help = program.createHelp();
  type Command = typeof program;
  const walk = (command: Command, before: string): Shown[] => {
    const name = `${before} ${command.name()}`.trim();
    if (command.commands.length > 0) return command.commands.flatMap((child) => walk(child, name));
    const options = help.visibleOptions(command).filter(({ long }) => long !== "--help");
    return [
      {
        usage: [
          name,
          ...command.registeredArguments.map((each) => (each.required ? `<${each.name()}>` : `[${each.name()}]`)),
        ].join(" "),
        description: command.description(),
        options: options.map((option) => ({ flags: option.flags, description: help.optionDescription(option) })),
      },
    ];
  };
  return walk(program, "");
}

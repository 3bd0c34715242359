import type { Command, Option } from "commander";

/** One command, as a shell completes it. */
export interface CompletedCommand {
  /** Names after the program's own, for example "events dlq"; empty for the program itself. */
  path: string;
  subcommands: readonly { name: string; description: string }[];
  options: readonly CompletedOption[];
  /** Values of its argument, where they are known. */
  argumentChoices: readonly string[];
  takesFile: boolean;
}

export interface CompletedOption {
  /** For example ["-o", "--output"]. */
  flags: readonly string[];
  description: string;
  choices: readonly string[];
  /** none: a switch. file: names of files. text: something of the user's own. */
  value: "none" | "choice" | "file" | "text";
}

/** Every command with what can follow it, the program itself first. */
export function commandTree(program: Command): CompletedCommand[] {
  const walk = (command: Command, path: string): CompletedCommand[] => {
    const children = command.commands.map((child) => ({ child, name: child.name() }));
    const inPath = (name: string): string => (path === "" ? name : `${path} ${name}`);
    const [argument] = command.registeredArguments;
    return [
      {
        path,
        subcommands: children.map(({ child, name }) => ({ name, description: child.description() })),
        options: [...command.options.map(completedOption), help],
        argumentChoices: argument?.argChoices ?? [],
        takesFile: argument !== undefined && isFile(argument.name()),
      },
      ...children.flatMap(({ child, name }) => walk(child, inPath(name))),
    ];
  };
  return walk(program, "");
}

const help: CompletedOption = { flags: ["--help"], description: "what there is", choices: [], value: "none" };

function completedOption(option: Option): CompletedOption {
  const flags = [option.short, option.long].filter((flag) => flag !== undefined && flag !== null);
  const choices = option.argChoices ?? [];
  const takesValue = option.required || option.optional;
  const value = !takesValue ? "none" : choices.length > 0 ? "choice" : isFile(option.flags) ? "file" : "text";
  return { flags, description: option.description, choices, value };
}

const isFile = (text: string): boolean => /file|dir|folder|kubeconfig/i.test(text);

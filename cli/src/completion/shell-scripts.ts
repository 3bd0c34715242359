// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are the shells' own

import type { CompletedCommand, CompletedOption } from "./command-tree.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** The completion of `program` for a shell: static, so that a Tab costs no start of the program. */
export function completionScript(shell: Shell, program: string, tree: readonly CompletedCommand[]): string {
  const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };
  return scripts[shell](program, tree);
}

const wordsOf = (command: CompletedCommand): string[] => [
  ...command.subcommands.map(({ name }) => name),
  ...command.argumentChoices,
  ...command.options.flatMap(({ flags }) => flags.filter((flag) => flag.startsWith("--"))),
];

/** Patterns of `case "$at $prev"` for options whose values the shell can offer. */
function valueCases(tree: readonly CompletedCommand[], offer: (option: CompletedOption) => string): string[] {
  return tree.flatMap(({ path, options }) =>
    options
      .filter(({ value }) => value !== "none")
      .map((option) => `    ${option.flags.map((flag) => `"${path} ${flag}"`).join("|")}) ${offer(option)} ;;`),
  );
}

const descents = (tree: readonly CompletedCommand[]): string =>
  tree
    .filter(({ path }) => path !== "")
    .map(({ path }) => `"${path}"`)
    .join("|");

/** What differs in the function that bash and zsh call. */
interface FunctionParts {
  /** Its first lines, up to the loop over the words before the one that is completed. */
  head: readonly string[];
  /** A word of that loop. */
  word: string;
  offer(option: CompletedOption): string;
  /** What is offered for a command itself. */
  answer(command: CompletedCommand): string;
}

function completionFunction(tree: readonly CompletedCommand[], { head, word, offer, answer }: FunctionParts): string[] {
  const known = descents(tree);
  return [
    ...head,
    `    next="\${at:+$at }${word}"`,
    `    case "$next" in ${known}) at="$next" ;; esac`,
    "  done",
    '  case "$at $prev" in',
    ...valueCases(tree, offer),
    "  esac",
    '  case "$at" in',
    ...tree.map((command) => `    "${command.path}") ${answer(command)} ;;`),
    "  esac",
    "}",
  ];
}

function bashScript(program: string, tree: readonly CompletedCommand[]): string {
  const name = functionName(program);
  const lines = completionFunction(tree, {
    head: [
      `# ${program} completion for bash: source <(${program} completion bash)`,
      `${name}() {`,
      '  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" at="" next i',
      "  COMPREPLY=()",
      "  for ((i = 1; i < COMP_CWORD; i++)); do",
    ],
    word: "${COMP_WORDS[i]}",
    offer: ({ value, choices }) =>
      value === "choice"
        ? `COMPREPLY=($(compgen -W "${choices.join(" ")}" -- "$cur")); return`
        : value === "file"
          ? `COMPREPLY=($(compgen -f -- "$cur")); return`
          : "return",
    answer(command) {
      const files = command.takesFile ? '; COMPREPLY+=($(compgen -f -- "$cur"))' : "";
      return `COMPREPLY=($(compgen -W "${wordsOf(command).join(" ")}" -- "$cur"))${files}`;
    },
  });
  return [...lines, `complete -o filenames -F ${name} ${program}`, ""].join("\n");
}

function zshScript(program: string, tree: readonly CompletedCommand[]): string {
  const name = functionName(program);
  const lines = completionFunction(tree, {
    head: [
      `#compdef ${program}`,
      `# ${program} completion for zsh: source <(${program} completion zsh)`,
      `${name}() {`,
      '  local prev="${words[CURRENT-1]}" at="" next i',
      "  for ((i = 2; i < CURRENT; i++)); do",
    ],
    word: "${words[i]}",
    offer: ({ value, choices }) =>
      value === "choice" ? `compadd -- ${choices.join(" ")}; return` : value === "file" ? "_files; return" : "return",
    answer: (command) => `compadd -- ${wordsOf(command).join(" ")}${command.takesFile ? "; _files" : ""}`,
  });
  return [...lines, `compdef ${name} ${program}`, ""].join("\n");
}

function fishScript(program: string, tree: readonly CompletedCommand[]): string {
  const at = `${functionName(program)}_at`;
  const quote = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const paths = tree.filter(({ path }) => path !== "").map(({ path }) => quote(path));
  const line = ({ path, ...command }: CompletedCommand): string[] => {
    const here = `complete -c ${program} -n ${quote(`${at} ${quote(path)}`)}`;
    return [
      ...command.subcommands.map(({ name, description }) => `${here} -f -a ${name} -d ${quote(description)}`),
      ...command.argumentChoices.map((choice) => `${here} -f -a ${quote(choice)}`),
      ...command.options.map((option) => `${here} ${fishOption(option)} -d ${quote(option.description)}`),
    ];
  };
  return [
    `# ${program} completion for fish: ${program} completion fish | source`,
    `function ${at}`,
    "  set -l at",
    "  for word in (commandline -opc)[2..-1]",
    '    set -l next (string join " " $at $word)',
    `    contains -- $next ${paths.join(" ")}; and set at $next`,
    "  end",
    '  test "$at" = "$argv[1]"',
    "end",
    ...tree.flatMap(line),
    "",
  ].join("\n");
}

function fishOption({ flags, value, choices }: CompletedOption): string {
  const names = flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const given = { none: "-f", choice: `-x -a '${choices.join(" ")}'`, file: "-r -F", text: "-x" };
  return [...names, given[value]].join(" ");
}

const functionName = (program: string): string => `_${program.replace(/[^a-z0-9]/gi, "_")}`;

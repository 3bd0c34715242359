// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are the shell's own
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { commandTree } from "../src/completion/command-tree.ts";
import { completionScript, shells } from "../src/completion/shell-scripts.ts";
import { createProgram } from "../src/program.ts";
import { createTerminal } from "../src/terminal.ts";

const program = createProgram(createTerminal({ out: () => {}, err: () => {}, colours: false }), () => {});
const tree = commandTree(program);
const folder = path.resolve(import.meta.dirname, "fixtures");

/** What bash offers after these words, the last of them unfinished. */
function complete(...words: string[]): string[] {
  const script = [
    completionScript("bash", "plinth", tree),
    `COMP_WORDS=(plinth ${words.map((word) => `'${word}'`).join(" ")})`,
    `COMP_CWORD=${words.length}`,
    "_plinth",
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ].join("\n");
  const out = execFileSync("bash", ["--noprofile", "--norc", "-c", script], { cwd: folder, encoding: "utf8" });
  return out.split("\n").filter(Boolean);
}

describe("bash completes", () => {
  test("commands", () => {
    expect(complete("")).toEqual(expect.arrayContaining(["up", "check", "events", "completion"]));
    expect(complete("re")).toEqual(expect.arrayContaining(["restart", "retry", "resume", "restore", "render"]));
    expect(complete("re")).not.toContain("up");
  });

  test("commands of commands", () => {
    expect(complete("events", "")).toEqual(expect.arrayContaining(["groups", "dlq", "replay"]));
    expect(complete("events", "dlq", "")).toEqual(expect.arrayContaining(["list", "show"]));
    expect(complete("events", "dlq", "s")).toEqual(["show"]);
  });

  test("options of the command, whatever stands before", () => {
    expect(complete("check", "-n", "plinth", "--w")).toEqual(["--wait"]);
    expect(complete("up", "--ver")).toEqual(["--verify"]);
  });

  test("values: choices, files, and nothing where only the user knows", () => {
    expect(complete("check", "-o", "")).toEqual(["text", "json"]);
    expect(complete("up", "--log-level", "d")).toEqual(["debug"]);
    expect(complete("completion", "z")).toEqual(["zsh"]);
    expect(complete("validate", "-f", "").toSorted()).toEqual(readdirSync(folder).toSorted());
    expect(complete("check", "--context", "")).toEqual([]);
  });

  test("the same in a real session, by complete -F", () => {
    const script = `${completionScript("bash", "plinth", tree)}\ncomplete -p plinth`;
    const out = execFileSync("bash", ["--noprofile", "--norc", "-c", script], { encoding: "utf8" });
    expect(out.trim()).toBe("complete -o filenames -F _plinth plinth");
  });
});

test.each(shells)("%s gets every command and every option", (shell) => {
  const script = completionScript(shell, "plinth", tree);
  for (const { subcommands, options } of tree) {
    for (const { name } of subcommands) expect(script).toContain(name);
    const long = options.flatMap(({ flags }) => flags.filter((flag) => flag.startsWith("--")));
    for (const flag of long) expect(script).toContain(shell === "fish" ? `-l ${flag.slice(2)}` : flag);
  }
});

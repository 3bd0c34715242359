import { readFile } from "node:fs/promises";
import { type NoteKey, parseNoteKey } from "@plinth/transparency-log";
import { CommandFailure, exitCodes } from "../exit-codes.ts";

/** The log that a verifier trusts: its name is that of its keys. */
export interface TrustedLog {
  origin: string;
  keys: NoteKey[];
}

/** Keys as given, or from files with one per line; `#` begins a comment. */
export async function readTrustedLog(given: readonly string[]): Promise<TrustedLog> {
  const texts = await Promise.all(
    given.map(async (key) => (/^[^+\s]+\+[0-9a-f]{8}\+/.test(key) ? [key] : keyLines(await readText(key)))),
  );
  const keys = texts.flat().map(parseNoteKey);
  const [first] = keys;
  if (first === undefined)
    throw new CommandFailure("--key names the log's public key; `plinth audit keys` shows it", exitCodes.usage);
  const other = keys.find(({ name }) => name !== first.name);
  if (other) throw new CommandFailure(`the keys are of two logs, ${first.name} and ${other.name}`, exitCodes.usage);
  return { origin: first.name, keys };
}

export async function readText(file: string): Promise<string> {
  return readFile(file, "utf8").catch((err: NodeJS.ErrnoException) => {
    throw new CommandFailure(`${file} cannot be read: ${err.code ?? err.message}`, exitCodes.usage);
  });
}

const keyLines = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");

import { execFile, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { sha256 } from "../src/hash.ts";

/** What the judge is asked, as its main.go reads it; bytes are base64. */
export interface Question {
  origin: string;
  /** Keys of the log in text form. */
  keys: readonly string[];
  /** Keys of witnesses that must have cosigned every checkpoint. */
  witnesses?: readonly string[];
  checkpoints?: readonly string[];
  proofs?: readonly { leaf: string; file: string }[];
  consistency?: readonly {
    from: { size: number; root: string };
    to: { size: number; root: string };
    proof: readonly string[];
  }[];
  /** By their path below `tile/`. */
  tiles?: Record<string, string>;
  /** Asks for a log of its own making. */
  make?: { leaves: readonly string[]; signer: string; witness: string };
}

export interface Judgement {
  problems: string[];
  made?: {
    /** Of the trees of 1, 2, ... leaves. */
    roots: string[];
    /** Of each leaf in the whole tree. */
    inclusion: string[][];
    /** From 1, 2, ... leaves to the whole tree. */
    consistency: string[][];
    checkpoint: string;
    cosigned: string;
    proofFile: string;
  };
}

const source = path.join(import.meta.dirname, "judge");
export const buildTimeoutMs = 300_000;

/** Why the judge, which is written in Go, cannot be asked here; undefined when it can. With CI=true it has to be. */
export function whyNoJudge(): string | undefined {
  if (process.env["CI"] === "true" || existsSync(program())) return undefined;
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  return folders.some((folder) => existsSync(path.join(folder, "go"))) ? undefined : "Go is not installed";
}

/** Asks libraries of other projects about a log; builds them at the first call on a machine. */
export async function askJudge(question: Question): Promise<Judgement> {
  const child = spawn(await built(), { stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stdin.end(JSON.stringify(question));
  const code = await new Promise((resolve, reject) => child.once("close", resolve).once("error", reject));
  if (code !== 0) throw new Error(`the judge ended with ${code}`);
  return JSON.parse(output) as Judgement;
}

async function built(): Promise<string> {
  const target = program();
  if (existsSync(target)) return target;
  await mkdir(path.dirname(target), { recursive: true });
  // Built beside and renamed: a second test process may be doing the same.
  const own = `${target}.${process.pid}`;
  await promisify(execFile)("go", ["build", "-trimpath", "-o", own, "."], { cwd: source, timeout: buildTimeoutMs });
  await rename(own, target);
  return target;
}

/** Named by its source: a changed one is built anew. */
function program(): string {
  const files = ["main.go", "go.mod", "go.sum"].map((name) => readFileSync(path.join(source, name)));
  const cache = process.env["XDG_CACHE_HOME"] ?? path.join(homedir(), ".cache");
  const id = Buffer.from(sha256(Buffer.concat(files)))
    .toString("hex")
    .slice(0, 16);
  return path.join(cache, "plinth-judge", `judge-${id}`);
}

import { isFault } from "@plinth/kernel";
import { decodeBase64 } from "./base64.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { type ExportedEntry, parseExportedEntry, parseObject, verifyOpenings } from "./exported-entry.ts";
import { type Hash, sameHash } from "./hash.ts";
import { invalid } from "./invalid.ts";
import type { NoteKey } from "./note-key.ts";
import { parseHashes } from "./proof-file.ts";
import { createRootStack, type RootStack } from "./root-stack.ts";
import { verifyInclusion } from "./verify.ts";

export interface VerifyExportOptions {
  origin: string;
  keys: readonly NoteKey[];
  /** A checkpoint that was verified before: the log must still begin with its tree. */
  since?: Checkpoint;
}

/** What is wrong, or nothing. */
export interface ExportVerdict {
  checkpoint: Checkpoint;
  /** The signed note that the export is held against. */
  note: string;
  entries: number;
  /** Entries of which personal parts were erased. */
  erased: number;
  /** Leaves whose entries were removed by retention. */
  pruned: number;
  /** Every entry of the log was there: nothing can have been left out. */
  complete: boolean;
  /** The first thing that is wrong. */
  problem: string | undefined;
}

interface Header {
  note: string;
  complete: boolean;
  pruned: number;
  prunedHashes: readonly Hash[];
}

/**
 * Verifies an export in JSON Lines with nothing but the log's name and keys. A whole log is hashed anew and compared with its
 * checkpoint; a part of one has a proof with each entry. Throws Fault invalid_argument when it is no export or the
 * checkpoint is forged.
 */
export async function verifyExport(lines: AsyncIterable<string>, options: VerifyExportOptions): Promise<ExportVerdict> {
  const iterator = lines[Symbol.asyncIterator]();
  const first = await iterator.next();
  const header = parseHeader(first.done ? "" : first.value);
  const checkpoint = openCheckpoint(header.note, options.origin, options.keys);
  const verdict: ExportVerdict = {
    ...{ checkpoint, note: header.note, entries: 0, erased: 0, pruned: header.pruned, complete: header.complete },
    problem: rolledBack(checkpoint, options.since),
  };
  const check = header.complete ? wholeLog(header, checkpoint, options.since) : partOfLog(checkpoint, options.since);
  for (let line = 2; verdict.problem === undefined; line++) {
    const next = await iterator.next();
    if (next.done) {
      verdict.problem = check.end();
      break;
    }
    const entry = tryLine(line, () => parseExportedEntry(next.value));
    const problem =
      typeof entry === "string"
        ? entry
        : (check.entry(entry) ?? tryLine(line, () => void verifyOpenings(entry), entry.leaf.sequence));
    if (problem !== undefined) verdict.problem = problem;
    verdict.entries++;
    if (typeof entry !== "string" && !(entry.who && entry.what)) verdict.erased++;
  }
  await iterator.return?.(undefined);
  return verdict;
}

interface Check {
  entry(entry: ExportedEntry): string | undefined;
  end(): string | undefined;
}

/**
 * All entries: none is missing, and they make the root hash. When they do not, the hashes that the log had for them tell
 * which one was changed, if those do make the root hash.
 */
function wholeLog(header: Header, checkpoint: Checkpoint, since: Checkpoint | undefined): Check {
  const start = { size: header.pruned, hashes: header.prunedHashes };
  const logged = createRootStack(start);
  let changed: string | undefined;
  let otherPast = differs(logged, since);
  return {
    entry(entry) {
      const expected = logged.size + 1;
      const { sequence } = entry.leaf;
      if (sequence !== expected) return `entry ${expected} is missing: entry ${sequence} stands in its place`;
      if (entry.logged && !sameHash(entry.logged, entry.leafHash))
        changed ??= `entry ${sequence} (${entry.leaf.id}) was changed: it is not what the log committed to`;
      logged.append(entry.logged ?? entry.leafHash);
      otherPast ??= differs(logged, since);
      return undefined;
    },
    end() {
      if (logged.size !== checkpoint.size)
        return `entries ${logged.size + 1} to ${checkpoint.size} are missing: the checkpoint has ${checkpoint.size} leaves`;
      if (otherPast) return otherPast;
      if (!sameHash(logged.root(), checkpoint.root))
        return changed ?? "the entries do not make the checkpoint's root hash: the log was rewritten";
      if (changed) return changed;
      return since && since.size < header.pruned ? tooOld(since, header.pruned) : undefined;
    },
  };
}

/** Some entries, each with its proof. */
function partOfLog({ size, root }: Checkpoint, since: Checkpoint | undefined): Check {
  let last = 0;
  return {
    entry({ leaf, leafHash, proof }) {
      const { sequence, id } = leaf;
      if (sequence <= last) return `entry ${sequence} stands after entry ${last}`;
      last = sequence;
      if (proof === undefined)
        return `entry ${sequence} has no proof: an export with a filter verifies only when it was made with proofs`;
      return verifyInclusion({ leafHash, index: sequence - 1, size, proof, root })
        ? undefined
        : `entry ${sequence} (${id}) is not in the log: it was changed, or never there`;
    },
    end: () =>
      since && since.size !== size ? "a part of a log cannot be compared with an earlier checkpoint" : undefined,
  };
}

function rolledBack(checkpoint: Checkpoint, since: Checkpoint | undefined): string | undefined {
  if (since === undefined) return undefined;
  if (since.size > checkpoint.size)
    return `the log has ${checkpoint.size} leaves and had ${since.size}: it was cut, or an old database was restored`;
  if (since.size === checkpoint.size && !sameHash(since.root, checkpoint.root))
    return `the log has another root hash than before for the same ${since.size} leaves: it was rewritten`;
  return undefined;
}

function differs(stack: RootStack, since: Checkpoint | undefined): string | undefined {
  if (since === undefined || stack.size !== since.size || sameHash(stack.root(), since.root)) return undefined;
  return `the first ${since.size} leaves are not those of before: the log was rewritten`;
}

const tooOld = (since: Checkpoint, pruned: number): string =>
  `the checkpoint of ${since.size} leaves is older than what retention left (from entry ${pruned + 1}): compare with a newer one`;

function parseHeader(text: string): Header {
  const value = parseObject(text);
  const { export: form, checkpoint, complete, pruned, prunedHashes } = value;
  const fits =
    form === "plinth.audit.v1" &&
    typeof checkpoint === "string" &&
    typeof complete === "boolean" &&
    Number.isSafeInteger(pruned) &&
    Array.isArray(prunedHashes) &&
    prunedHashes.every((hash) => typeof hash === "string" && decodeBase64(hash));
  if (!fits) throw invalid("PROOF_INVALID", "the first line is not that of an export by this version");
  return { note: checkpoint, complete, pruned: pruned as number, prunedHashes: parseHashes(prunedHashes) };
}

/** The value, or what is wrong with it. */
function tryLine<T>(line: number, work: () => T, sequence?: number): T | string {
  try {
    return work();
  } catch (err) {
    if (!isFault(err)) throw err;
    return `${sequence === undefined ? `line ${line}` : `entry ${sequence}`}: ${err.message}`;
  }
}

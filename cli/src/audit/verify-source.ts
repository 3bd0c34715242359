import { isFault } from "@plinth/kernel";
import {
  type Checkpoint,
  type ExportVerdict,
  parseExportedEntry,
  parseProofFile,
  verifyExport,
  verifyOpenings,
  verifyProofFile,
} from "@plinth/transparency-log";
import type { TrustedLog } from "./trusted-keys.ts";

/** What came out of it, for a person: lines, and whether all is well. */
export interface Verdict {
  valid: boolean;
  lines: string[];
  /** The checkpoint that was verified; undefined when something is wrong. */
  note: string | undefined;
}

/** A `.tlog-proof` of one entry. Its extra data, the entry, is proven as well: the leaf is made of it. */
export function verifyProofText(text: string, log: TrustedLog): Verdict {
  return orProblem(() => {
    const proof = parseProofFile(text);
    if (proof.extra === undefined) return refused("the proof has no entry in it, so there is nothing to compare with");
    const entry = parseExportedEntry(Buffer.from(proof.extra).toString());
    const { size } = verifyProofFile(proof, entry.leafHash, log);
    verifyOpenings(entry);
    const { leaf, who, what } = entry;
    const shown = { ...leaf, ...(who?.part as object), ...(what?.part as object) } as Record<string, unknown>;
    delete shown["who"];
    delete shown["what"];
    const erased = who && what ? [] : ["parts of it are about a user who was erased"];
    const title = `valid: entry ${leaf.sequence} is in the log ${log.origin}, which had ${size} leaves then`;
    return { valid: true, lines: [title, ...erased, JSON.stringify(shown, null, 2)], note: proof.checkpoint };
  });
}

/** An export, from a file or as it comes from the platform. */
export async function verifyLines(
  lines: AsyncIterable<string>,
  log: TrustedLog,
  since: Checkpoint | undefined,
): Promise<Verdict> {
  try {
    return exportVerdict(await verifyExport(lines, { ...log, ...(since ? { since } : {}) }), log, since);
  } catch (err) {
    if (isFault(err) && err.code === "invalid_argument") return refused(err.message);
    throw err;
  }
}

function exportVerdict(verdict: ExportVerdict, log: TrustedLog, since: Checkpoint | undefined): Verdict {
  const { checkpoint, problem, entries, erased, pruned, complete, note } = verdict;
  if (problem !== undefined) return refused(problem);
  const lines = [
    complete
      ? `valid: the log ${log.origin} has ${checkpoint.size} leaves and they make its signed root hash`
      : `valid: each of these entries is in the log ${log.origin}; whether there are others, a part of a log does not show`,
    `${entries} entries verified${erased ? `, of ${erased} personal parts were erased` : ""}${pruned ? `; the first ${pruned} were removed by retention` : ""}`,
    since ? `it begins with the ${since.size} leaves of the earlier checkpoint` : undefined,
  ];
  return { valid: true, lines: lines.filter((line) => line !== undefined), note };
}

function orProblem(work: () => Verdict): Verdict {
  try {
    return work();
  } catch (err) {
    if (isFault(err) && err.code === "invalid_argument") return refused(err.message);
    throw err;
  }
}

const refused = (problem: string): Verdict => ({ valid: false, lines: [`NOT VALID: ${problem}`], note: undefined });

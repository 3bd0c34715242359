/** Where something stands in a value: keys and indexes from the root. */
export type Path = readonly (string | number)[];

/** Something wrong with a manifest, told to the person who wrote it. */
export interface Problem {
  /** Name of the file as it was given; empty when the value did not come from a file. */
  file: string;
  /** From 1; 0 when the value did not come from a file. */
  line: number;
  /** From 1; 0 when the value did not come from a file. */
  column: number;
  /** For example "spec.route.rules[0].path"; empty for the whole document. */
  path: string;
  /** What is wrong and what to do, without the path. */
  message: string;
}

/** A problem before it is known where in the file it stands. */
export interface Finding {
  path: Path;
  /** Points at the key instead of the value: for fields that should not be there. */
  atKey?: boolean;
  message: string;
  /** Where in the file it is shown, when that is not `path`. */
  shownAt?: Path;
}

export function formatPath(path: Path): string {
  return path.map((part, i) => (typeof part === "number" ? `[${part}]` : `${i === 0 ? "" : "."}${part}`)).join("");
}

/** One line: "notes.yaml:7:9: spec.replicas: must be ...". */
export function formatProblem(problem: Problem): string {
  const place = problem.line > 0 ? `${problem.file}:${problem.line}:${problem.column}` : problem.file;
  return [place, problem.path, problem.message].filter((part) => part !== "").join(": ");
}

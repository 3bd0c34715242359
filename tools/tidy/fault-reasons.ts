import { codeLines, readRepositoryFile, sourceFiles } from "./repository-files.ts";

/**
 * Words in upper case that are no reasons of faults: names that others prescribe (the API server's INVALID and CONFLICT, DATABASE_URL
 * among them, and buf.validate's IGNORE_ALWAYS), and the access log's words for CORS, redirects and OpenAPI documents.
 */
const otherNames =
  /^((?:PLINTH|OTEL)_\w+|(UND_)?ERR_\w+|HPE_\w+|PREFLIGHT|REDIRECT|DOCUMENT|IGNORE_ALWAYS|CONFLICT|INVALID|DATABASE_URL)$/;

/** Reasons that the source gives to faults and refusals, each with the first place. */
export function usedReasons(): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of sourceFiles()) {
    for (const { line, code } of codeLines(file)) {
      // Words with an underscore are reasons wherever they stand; single words only where a reason is given.
      const words = [
        ...code.matchAll(/"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"/g),
        ...code.matchAll(/\breason\b[^,;"]*"([A-Z]+)"/g),
        ...code.matchAll(/\brefusal\(\d+, "\w+", "([A-Z_]+)"/g),
      ].map((match) => match[1] as string);
      for (const word of words) if (!otherNames.test(word) && !found.has(word)) found.set(word, `${file}:${line}`);
    }
  }
  return found;
}

/** Rows of docs/errors.md: reason and code. */
export function documentedReasons(): { reason: string; code: string }[] {
  return [...readRepositoryFile("docs/errors.md").matchAll(/^\| `([A-Z_]+)` \| ([\w ]+) \|/gm)].map((match) => ({
    reason: match[1] as string,
    code: match[2] as string,
  }));
}

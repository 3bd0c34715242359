import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { exitCode } from "./run.ts";

interface FileReport {
  name: string;
  status: string;
  /** Why the file could not be loaded. */
  message: string;
  assertionResults: { fullName: string; status: string; failureMessages?: string[] }[];
}

interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numFailedTestSuites: number;
  success: boolean;
  testResults: FileReport[];
}

const root = path.dirname(import.meta.dirname);

/** `FAILED: <file>: <test>: <first line of the reason>`: CI repeats such lines at its end, where they are looked for. */
function failedLine(file: string, what: string, why = "no reason given"): string {
  const [firstLine = ""] = stripVTControlCharacters(why).trimStart().split("\n");
  return `FAILED: ${path.relative(root, file)}: ${what}: ${firstLine}\n`;
}

/**
 * Runs vitest and prints, as the last line, `N passed, N failed` (and `, N skipped`). What failed is listed again before
 * it; so is what was skipped: each such test carries its reason in its name. With CI=true none may be skipped. Returns the exit code.
 */
export async function runTests(extra: readonly string[]): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-test-"));
  const reportFile = path.join(folder, "report.json");
  const args = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${reportFile}`, ...extra];
  const code = await exitCode("vitest", args);
  const report: Report | undefined = await readFile(reportFile, "utf8").then(JSON.parse, () => undefined);
  await rm(folder, { recursive: true });

  if (!report) {
    process.stdout.write("FAILED: vitest wrote no report: see its output above\n0 passed, 1 failed\n");
    return 1;
  }
  const all = report.testResults.flatMap((file) => file.assertionResults);
  const skipped = all.filter(
    (test) => test.status === "skipped" || test.status === "pending" || test.status === "todo",
  );
  // A file that could not be loaded has no tests to count; errors outside tests have none either. Both are failures.
  const broken = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed"),
  );
  const leftOutInCi = process.env["CI"] === "true" ? skipped.length : 0;
  const outside = code !== 0 && report.numFailedTests + broken.length === 0 ? 1 : 0;
  const failed = report.numFailedTests + broken.length + leftOutInCi + outside;

  for (const { name, message } of broken) process.stdout.write(failedLine(name, "the file itself", message));
  for (const { name, assertionResults } of report.testResults)
    for (const test of assertionResults.filter(({ status }) => status === "failed"))
      process.stdout.write(failedLine(name, test.fullName, test.failureMessages?.[0]));
  for (const test of skipped) process.stdout.write(`skipped: ${test.fullName}\n`);
  if (leftOutInCi > 0) process.stdout.write("FAILED: with CI=true no test may be skipped\n");
  if (outside > 0) process.stdout.write("FAILED: vitest failed outside of the tests: see its output above\n");
  process.stdout.write(
    `${report.numPassedTests} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ""}\n`,
  );
  return failed === 0 ? 0 : 1;
}

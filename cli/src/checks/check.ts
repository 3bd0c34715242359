import type { Clock } from "@plinth/kernel";

/** What one look at one thing found. A warning works for now; a failure does not; what is not there is skipped. */
export interface Finding {
  status: "ok" | "warning" | "failed" | "skipped";
  /** What was found. */
  message: string;
  /** What to do about it; for what is not ok. Default: the check's own. */
  hint?: string;
}

/** One thing that can be wrong, with what to do about it. */
export interface Check<Context> {
  /** Group in the output, for example "database". */
  category: string;
  name: string;
  /** Heading of docs/troubleshooting.md that explains it. */
  anchor: string;
  /** What to do in general; a finding may know better. */
  hint: string;
  /** Names of checks that must not have failed or been skipped: this one could only repeat what they say. */
  needs?: readonly string[];
  /** One finding, or one for each thing looked at. What it throws is a failure with the error's message. */
  run(context: Context): Promise<Finding | readonly Finding[]>;
}

/** One line of the result; the schema of `-o json`. */
export interface CheckResult {
  category: string;
  name: string;
  status: Finding["status"];
  message: string;
  /** Empty for what is ok or skipped. */
  hint: string;
  anchor: string;
}

const checkTimeoutMs = 20_000;

/** Runs checks one after the other, each within 20 s. Never rejects. */
export async function runChecks<Context>(
  checks: readonly Check<Context>[],
  context: Context,
  tools: { clock: Clock; onResult?: (result: CheckResult) => void },
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  const unusable = new Set<string>();
  for (const check of checks) {
    const missing = check.needs?.find((name) => unusable.has(name));
    const found = missing === undefined ? await findingsOf(check, context, tools.clock) : [];
    if (missing !== undefined || found.some(({ status }) => status === "failed" || status === "skipped"))
      unusable.add(check.name);
    const { category, name, anchor } = check;
    const lines: CheckResult[] =
      missing === undefined
        ? found.map(({ status, message, hint = check.hint }) => ({
            ...{ category, name, status, message, anchor },
            hint: status === "failed" || status === "warning" ? hint : "",
          }))
        : [{ category, name, status: "skipped", message: `needs: ${missing}`, hint: "", anchor }];
    for (const line of lines) {
      results.push(line);
      tools.onResult?.(line);
    }
  }
  return results;
}

async function findingsOf<Context>(check: Check<Context>, context: Context, clock: Clock): Promise<readonly Finding[]> {
  const over = new AbortController();
  const late = clock.sleep(checkTimeoutMs, over.signal).then(
    (): Finding => ({ status: "failed", message: `no answer within ${checkTimeoutMs / 1000} s` }),
    (): Finding => ({ status: "failed", message: "was stopped" }),
  );
  try {
    const found = await Promise.race([check.run(context), late]);
    return "status" in found ? [found] : found;
  } catch (err) {
    return [{ status: "failed", message: messageOf(err) }];
  } finally {
    over.abort();
  }
}

/** The error's message; that of its first cause where it has none (several addresses refused). */
export function messageOf(err: unknown): string {
  if (err instanceof AggregateError && err.message === "") return messageOf(err.errors[0]);
  const { message, cause } = err as Error;
  const because = cause instanceof Error ? messageOf(cause) : "";
  return message.includes(because) ? message : `${message}: ${because}`;
}

export const hasFailed = (results: readonly CheckResult[]): boolean =>
  results.some(({ status }) => status === "failed");

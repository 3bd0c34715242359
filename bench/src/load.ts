import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface LoadResult {
  ratePerS: number;
  p50Ms: number;
  p99Ms: number;
  failed: number;
}

export interface HttpLoad {
  url: string;
  headers: Record<string, string>;
  connections: number;
  seconds: number;
  core: number;
}

/** HTTP/1.1 keep-alive load by wrk. */
export async function wrk({ url, headers, connections, seconds, core }: HttpLoad): Promise<LoadResult> {
  const headerArgs = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const args = ["-c", String(core), "wrk", "-t1", `-c${connections}`, `-d${seconds}s`, "--latency", ...headerArgs, url];
  const { stdout } = await run("taskset", args).catch(missing("wrk"));
  const latency = (percentile: string) => toMs(new RegExp(`${percentile}%\\s+(\\S+)`).exec(stdout)?.[1]);
  return {
    ratePerS: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? Number.NaN),
    p50Ms: latency("50"),
    p99Ms: latency("99"),
    failed:
      Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0) + Number(/timeout (\d+)/.exec(stdout)?.[1] ?? 0),
  };
}

function toMs(text: string | undefined): number {
  const match = /^([\d.]+)(us|ms|s)$/.exec(text ?? "");
  if (!match) return Number.NaN;
  return Number(match[1]) * { us: 0.001, ms: 1, s: 1000 }[match[2] as "us" | "ms" | "s"];
}

function missing(program: string): (err: Error & { code?: unknown }) => never {
  return (err) => {
    throw new Error(
      `${program} could not run (${err.message.split("\n")[0]}): on Debian, apt-get install wrk nghttp2-client`,
      { cause: err },
    );
  };
}

/** A closed loop in this process: `lanes` callers, each with one call at a time, for `seconds`. */
export async function closedLoop(
  lanes: number,
  seconds: number,
  call: () => Promise<unknown>,
): Promise<LoadResult & { calls: number }> {
  const latenciesMs: number[] = [];
  let failed = 0;
  const end = performance.now() + seconds * 1000;
  const begin = performance.now();
  const lane = async () => {
    while (performance.now() < end) {
      const start = performance.now();
      await call().catch(() => failed++);
      latenciesMs.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const elapsedS = (performance.now() - begin) / 1000;
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number) =>
    latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(latenciesMs.length * share))] ?? Number.NaN;
  return {
    ratePerS: latenciesMs.length / elapsedS,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    failed,
    calls: latenciesMs.length,
  };
}

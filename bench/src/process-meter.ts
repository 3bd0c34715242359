import { readFileSync } from "node:fs";

export interface Usage {
  /** User and system time so far, in microseconds. */
  cpuUs: number;
  rssMiB: number;
}

/** The kernel counts CPU time in ticks of 10 ms. */
const usPerTick = 10_000;

/** What a process has used so far, its threads included. */
export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const rssKiB = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  return { cpuUs: (Number(fields[11]) + Number(fields[12])) * usPerTick, rssMiB: rssKiB / 1024 };
}

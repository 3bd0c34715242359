import { readdirSync, readFileSync } from "node:fs";

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

/** CPU time of a process and all below it so far, in microseconds; of those that ended as well, once their parent knows. */
export function treeCpuUs(pid: number): number {
  const stats = readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? (statOf(name) ?? []) : []));
  const within = new Set([pid]);
  for (let found = true; found; ) {
    const children = stats.filter(({ pid: child, parent }) => within.has(parent) && !within.has(child));
    for (const child of children) within.add(child.pid);
    found = children.length > 0;
  }
  return stats.reduce((sum, { pid: one, ticks }) => sum + (within.has(one) ? ticks * usPerTick : 0), 0);
}

/** Undefined for one that has ended meanwhile. */
function statOf(name: string): { pid: number; parent: number; ticks: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, "utf8");
    const fields = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    const ticks = fields.slice(11, 15).reduce((sum, next) => sum + next, 0);
    return { pid: Number(name), parent: fields[1] ?? 0, ticks };
  } catch {
    return undefined;
  }
}

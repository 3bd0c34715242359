import type { StatsFs } from "node:fs";
import type { Finding } from "./check.ts";

/** A start writes 50 MB, and PostgreSQL stops when its log of changes finds no room. */
const freeFailsBytes = 256 * 1024 * 1024;
const freeWarnsBytes = 1024 * 1024 * 1024;

/** What the free room of a disk means for a platform. */
export function diskFinding({ bavail, bsize }: Pick<StatsFs, "bavail" | "bsize">, folder: string): Finding {
  const freeBytes = bavail * bsize;
  const message = `${(freeBytes / freeWarnsBytes).toFixed(1)} GiB free for ${folder}`;
  if (freeBytes < freeFailsBytes) return { status: "failed", message: `the disk is full: ${message}` };
  return { status: freeBytes < freeWarnsBytes ? "warning" : "ok", message };
}

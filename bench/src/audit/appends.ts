import type { AuditLog } from "@plinth/audit/log";
import type { Database } from "@plinth/postgres";
import { treeCpuUs } from "../process-meter.ts";
import { printTable } from "../table.ts";

type NewEntry = Parameters<AuditLog["recorder"]["record"]>[0];

/** An entry as a small event makes one. */
export const benchEntry = (n: number): NewEntry => ({
  id: `01920000-0000-7000-8000-${n.toString(16).padStart(12, "0")}`,
  time: new Date(1_790_000_000_000 + n * 1000),
  source: "identity",
  action: "plinth.identity.v1.UserUpdated",
  actor: `user:${n % 500}`,
  resource: `users/${n % 500}`,
  outcome: "success",
  requestId: `request-${n}`,
  traceId: "0af7651916cd43dd8448eb211c80319c",
  ipAddress: "192.0.2.1",
  details: { userId: `${n % 500}`, changed: ["displayName"], state: "USER_STATE_ACTIVE" },
  payload: undefined,
});

const workerCounts = [1, 8, 64];

/** Entries recorded while the sequencer brings them into the tree, how long each waits for that, and what they take on disk. */
export async function measureAppends(
  log: AuditLog,
  { database, serverPid, seconds }: { database: Database; serverPid: number; seconds: number },
): Promise<void> {
  await log.sequencer.start?.();
  const rows = [];
  let next = 0;
  for (const workers of workerCounts) rows.push(await measure(workers));
  await log.sequencer.stop?.(AbortSignal.timeout(30_000));
  printTable(`Audit log: entries recorded and brought into the tree, ${seconds} s each`, rows);
  const [stored] = await database.query<{ entries: string; entry: string; indexes: string; tiles: string }>(
    `SELECT (SELECT sequence FROM head) AS entries, pg_table_size('sealed_entry') AS entry,
            pg_indexes_size('sealed_entry') AS indexes, pg_total_relation_size('tile') AS tiles`,
  );
  const perEntry = (bytes: string | undefined) => Number(bytes) / Number(stored?.entries);
  printTable(`Audit log: bytes on disk per entry, of ${stored?.entries} entries`, [
    { row: perEntry(stored?.entry), indexes: perEntry(stored?.indexes), tree: perEntry(stored?.tiles) },
  ]);

  async function measure(workers: number) {
    const waiting: { sequence: number; at: number }[] = [];
    const lagsMs: number[] = [];
    const latenciesMs: number[] = [];
    const end = performance.now() + seconds * 1000;
    const cpu = process.cpuUsage();
    const serverCpuUs = treeCpuUs(serverPid);
    const work = async () => {
      while (performance.now() < end) {
        const begin = performance.now();
        const { sequence } = await log.recorder.record(benchEntry(next++));
        const at = performance.now();
        latenciesMs.push(at - begin);
        waiting.push({ sequence: Number(sequence), at });
      }
    };
    const watch = async () => {
      while (performance.now() < end || waiting.length > 0) {
        const { size } = await log.reader.checkpoint().catch(() => ({ size: 0 }));
        const now = performance.now();
        for (let at = waiting.length - 1; at >= 0; at--) {
          const one = waiting[at];
          if (one === undefined || one.sequence > size) continue;
          lagsMs.push(now - one.at);
          waiting.splice(at, 1);
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await Promise.all([...Array.from({ length: workers }, work), watch()]);
    const used = process.cpuUsage(cpu);
    const at = (of: number[], share: number) => of.sort((a, b) => a - b)[Math.floor(of.length * share)] ?? Number.NaN;
    return {
      "at a time": workers,
      "entries/s": latenciesMs.length / seconds,
      "CPU us, service": (used.user + used.system) / latenciesMs.length,
      "CPU us, PostgreSQL": (treeCpuUs(serverPid) - serverCpuUs) / latenciesMs.length,
      "p50 ms": at(latenciesMs, 0.5),
      "p99 ms": at(latenciesMs, 0.99),
      "in the tree after, p50 ms": at(lagsMs, 0.5),
      "p99 ms ": at(lagsMs, 0.99),
    };
  }
}

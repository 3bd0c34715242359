import type { AuditLog } from "@plinth/audit/log";
import type { Database } from "@plinth/postgres";
import type pg from "pg";
import { printTable } from "../table.ts";
import { benchEntry } from "./appends.ts";

const repeats = 20;

/** Pages of 50 out of `total` entries. What is looked for lies at the beginning: the farthest from where a list starts. */
export async function measureSearch(
  log: AuditLog,
  { database, admin, total }: { database: Database; admin: pg.Client; total: number },
): Promise<void> {
  const own = 200;
  const rare = { actor: "user:rare", resource: "notes/rare", requestId: "rare", source: "rare", action: "rare.done" };
  for (let n = 0; n < own; n++)
    await log.recorder.record({ ...benchEntry(n), ...(n < 20 ? { ...rare, outcome: "denied" as const } : {}) });
  await admin.query(
    `INSERT INTO audit.sealed_entry
     SELECT n, gen_random_uuid(), timestamptz '2026-09-01' + n * interval '1 second', timestamptz '2026-09-01' + n * interval '1 second',
       (ARRAY['identity', 'auth', 'authz', 'notes'])[1 + n % 4], 'plinth.identity.v1.Action' || n % 40,
       CASE WHEN n % 50 = 0 THEN 'failure' ELSE 'success' END, 'request-' || n, md5(n::text),
       NULL, decode(repeat(md5(n::text), 8), 'hex'), decode(repeat(md5(n::text), 2), 'hex'),
       NULL, decode(repeat(md5(n::text), 12), 'hex'), decode(repeat(md5(n::text), 2), 'hex'),
       0, decode(md5('actor' || n % 50000), 'hex'), decode(md5('resource' || n % 200000), 'hex')
     FROM generate_series(${own + 1}, ${total}) AS n`,
  );
  await admin.query("VACUUM ANALYZE audit.sealed_entry");
  const day = (at: string) => new Date(`2026-09-${at}T00:00:00Z`);
  const filters: Record<string, Parameters<AuditLog["entries"]["list"]>[0]> = {
    nothing: {},
    "actor, 20 entries": { actor: rare.actor },
    "resource, 20 entries": { resource: rare.resource },
    "request id": { requestId: rare.requestId },
    "source and action, 20 entries": { source: rare.source, action: rare.action },
    "action by prefix, all": { action: "plinth.identity.v1." },
    "outcome denied, 20 entries": { outcome: "denied" },
    "outcome failure, 20,000 entries": { outcome: "failure" },
    "a day in the middle": { startTime: day("05"), endTime: day("06") },
    "an actor, in a day in the middle": { actor: "user:nobody", startTime: day("05"), endTime: day("06") },
    "failures of a day in the middle": { outcome: "failure", startTime: day("05"), endTime: day("06") },
    "all but the last day": { endTime: day("12") },
    "failures of the first day": { outcome: "failure", startTime: day("01"), endTime: day("02") },
    "an actor who is not there": { actor: "user:nobody" },
  };
  const rows = [];
  for (const [name, filter] of Object.entries(filters)) rows.push(await measure(name, filter));
  const [size] = await database.query<{ bytes: string }>("SELECT pg_total_relation_size('sealed_entry') AS bytes");
  printTable(
    `Audit log: a page of 50 out of ${total} entries (${Math.round(Number(size?.bytes) / 2 ** 20)} MiB)`,
    rows,
  );

  async function measure(name: string, filter: Parameters<AuditLog["entries"]["list"]>[0]) {
    const timesMs: number[] = [];
    let found = 0;
    for (let at = 0; at < repeats; at++) {
      const begin = performance.now();
      found = (await log.entries.list(filter, { before: undefined, limit: 50 })).length;
      timesMs.push(performance.now() - begin);
    }
    timesMs.sort((a, b) => a - b);
    return {
      "looked for": name,
      found: String(found),
      "p50 ms": timesMs[repeats / 2] ?? 0,
      "max ms": timesMs.at(-1) ?? 0,
    };
  }
}

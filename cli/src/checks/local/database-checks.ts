import path from "node:path";
import { migrationStatus } from "@plinth/postgres/migration-status";
import pg from "pg";
import { loadServices } from "../../local/find-manifests.ts";
import { isFolder } from "../../local/is-folder.ts";
import type { Check, Finding } from "../check.ts";
import type { LocalContext } from "./local-context.ts";
import { controlName } from "./platform-checks.ts";

const category = "database";
const databaseCheck = "postgresql";
/** Events that wait longer are a backlog. */
const backlogAgeMaxS = 60;
const wrongPassword = "28P01";

/** PostgreSQL and the schemas in it. */
export const databaseChecks: readonly Check<LocalContext>[] = [
  {
    category,
    name: databaseCheck,
    anchor: "local-postgresql",
    hint: "see plinth logs postgres; plinth down, then npm start, starts it again",
    run: answers,
  },
  {
    category,
    name: "migrations",
    anchor: "local-migrations",
    hint: "plinth restart SERVICE applies them",
    needs: [controlName, databaseCheck],
    run: migrations,
  },
];

export const outboxCheck: Check<LocalContext> = {
  category: "events",
  name: "outbox",
  anchor: "local-outbox",
  hint: "the relay of that service does not get rid of them: see its log, and the check of the bus",
  needs: [databaseCheck],
  run: outboxes,
};

async function answers(context: LocalContext): Promise<Finding> {
  try {
    const { version, used, limit } = await context.withDatabase(async (client) => {
      const { rows } = await client.query(
        `SELECT current_setting('server_version') AS version, current_setting('max_connections')::int AS limit,
           (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS used`,
      );
      return rows[0] as { version: string; used: number; limit: number };
    });
    return { status: "ok", message: `PostgreSQL ${version} answers, ${used} of ${limit} connections in use` };
  } catch (err) {
    if ((err as { code?: string }).code !== wrongPassword) throw err;
    return {
      status: "failed",
      message: `PostgreSQL refuses the password in ${context.paths.secrets}`,
      hint: "restore that file from a backup; or give up the data and start anew with npm start -- --reset",
    };
  }
}

async function migrations(context: LocalContext): Promise<Finding[]> {
  const { services: running } = await context.status();
  const files = [...new Set(running.map(({ manifest }) => manifest))];
  const services = await loadServices(files.map((file) => ({ file, core: true })));
  const withDatabase = services.filter(({ manifest }) => manifest.spec.database !== undefined);
  const findings: Finding[] = [];
  await context.withDatabase(async (client) => {
    for (const { name, folder, manifest } of withDatabase) {
      const directory = path.join(folder, "migrations");
      const schema = manifest.spec.database?.schema ?? name;
      if (await isFolder(directory)) findings.push(await schemaFinding(client, name, schema, directory));
    }
  });
  return findings;
}

async function schemaFinding(client: pg.Client, service: string, schema: string, directory: string): Promise<Finding> {
  const { pending, edited } = await migrationStatus(client, { schema, directory });
  if (edited.length > 0) {
    const message = `${service}: ${edited.join(", ")} changed after being applied to schema ${schema}`;
    return { status: "failed", message, hint: "restore the file, and put the change into a new migration" };
  }
  if (pending.length > 0) {
    const message = `${service}: schema ${schema} is old, ${pending.join(", ")} not applied`;
    return { status: "failed", message, hint: `plinth restart ${service} applies them` };
  }
  return { status: "ok", message: `${service}: schema ${schema} is up to date` };
}

async function outboxes(context: LocalContext): Promise<Finding[]> {
  const backlogs = await context.withDatabase(async (client) => {
    const { rows } = await client.query<{ schema: string }>(
      `SELECT nspname AS schema FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
       WHERE relname = 'outbox_cursor' ORDER BY nspname`,
    );
    const found: { schema: string; waiting: number; ageS: number }[] = [];
    for (const { schema } of rows) found.push({ schema, ...(await backlog(client, schema)) });
    return found;
  });
  const late = backlogs.filter(({ ageS }) => ageS > backlogAgeMaxS);
  if (late.length === 0) {
    const waiting = backlogs.reduce((sum, each) => sum + each.waiting, 0);
    return [{ status: "ok", message: `${waiting} events wait in ${backlogs.length} outboxes` }];
  }
  return late.map(({ schema, waiting, ageS }) => ({
    status: "warning",
    message: `${schema}: ${waiting} events wait to be published, the oldest for ${Math.round(ageS)} s`,
  }));
}

async function backlog(client: pg.Client, schema: string): Promise<{ waiting: number; ageS: number }> {
  const quoted = pg.escapeIdentifier(schema);
  const { rows } = await client.query(
    `SELECT count(*)::int AS waiting, coalesce(extract(epoch FROM now() - min(time)), 0)::float AS "ageS"
     FROM ${quoted}.outbox WHERE position > (SELECT high FROM ${quoted}.outbox_cursor)`,
  );
  return rows[0] as { waiting: number; ageS: number };
}

import pg from "pg";
import { ownerMark } from "./ensure-schema.ts";
import { type ProvisionClient, runStatements } from "./run-statements.ts";

export interface DropSchemaOptions {
  schema: string;
  roles: readonly string[];
  /** Only what carries this owner's mark is dropped. */
  owner: string;
}

/**
 * Drops a service's schema with everything in it, and its roles; ends their connections first. What is gone already, or
 * belongs to another owner, is left out. Returns the names of what was dropped.
 */
export async function dropSchema(client: ProvisionClient, options: DropSchemaOptions): Promise<string[]> {
  const mark = ownerMark(options.owner);
  const roles = await client.query<{ name: string; superuser: boolean }>(
    `SELECT rolname AS name, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser
       FROM pg_roles WHERE rolname = ANY ($1) AND shobj_description(oid, 'pg_authid') = $2`,
    [options.roles, mark],
  );
  const schemas = await client.query<{ name: string }>(
    `SELECT nspname AS name FROM pg_namespace WHERE nspname = $1 AND obj_description(oid, 'pg_namespace') = $2`,
    [options.schema, mark],
  );
  for (const { name } of roles.rows) {
    await client.query(`ALTER ROLE ${pg.escapeIdentifier(name)} NOLOGIN`);
    await client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", [name]);
  }
  await runStatements(client, [
    ...schemas.rows.map(({ name }) => `DROP SCHEMA IF EXISTS ${pg.escapeIdentifier(name)} CASCADE`),
    ...roles.rows.flatMap(({ name, superuser }) => {
      const role = pg.escapeIdentifier(name);
      return [...(superuser ? [] : [`GRANT ${role} TO CURRENT_USER`]), `DROP OWNED BY ${role}`, `DROP ROLE ${role}`];
    }),
  ]);
  return [...schemas.rows, ...roles.rows].map(({ name }) => name);
}

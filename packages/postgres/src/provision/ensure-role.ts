import pg from "pg";
import { type ProvisionClient, runStatements } from "./run-statements.ts";

const identifier = pg.escapeIdentifier;

export interface RoleDefinition {
  role: string;
  password: string;
  /** The one schema in which the role finds tables without naming it. */
  schema: string;
  database: string;
}

/**
 * Creates the role or repairs it. It has no rights by itself: no superuser, no creation of databases or roles, no
 * inheritance of others' rights. An administrator who is no superuser becomes a member, which managed servers demand of
 * whoever hands schemas over to the role.
 */
export async function ensureRole(client: ProvisionClient, definition: RoleDefinition): Promise<void> {
  const { role, password, schema, database } = definition;
  const { rows } = await client.query<{ superuser: boolean; exists: boolean }>(
    `SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
            EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS exists`,
    [role],
  );
  const { superuser = false, exists = false } = rows[0] ?? {};
  const name = identifier(role);
  // Nobody but a superuser may state all of these; a role that a lesser administrator made has none of them.
  const never = superuser ? "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS " : "";
  await runStatements(client, [
    ...(exists ? [] : [`CREATE ROLE ${name}`]),
    `ALTER ROLE ${name} LOGIN ${never}PASSWORD ${pg.escapeLiteral(password)}`,
    `ALTER ROLE ${name} SET search_path = ${identifier(schema)}`,
    `GRANT CONNECT ON DATABASE ${identifier(database)} TO ${name}`,
    ...(superuser ? [] : [`GRANT ${name} TO CURRENT_USER`]),
  ]);
}

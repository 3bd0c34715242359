import { Fault } from "@plinth/kernel";
import pg from "pg";
import { ensureRole } from "./ensure-role.ts";
import { type ProvisionClient, runStatements } from "./run-statements.ts";

export interface SchemaDefinition {
  database: string;
  schema: string;
  /** May change the schema; only migrations use it. */
  ddl: { role: string; password: string };
  /** Uses rows of the schema, nothing else. */
  runtime: { role: string; password: string };
  /**
   * Who the schema belongs to. When given, it is written down in the database, and a schema or role that belongs to
   * somebody else is refused instead of taken over.
   */
  owner?: string;
}

const identifier = pg.escapeIdentifier;

/** What a schema or role says about who it belongs to. */
export const ownerMark = (owner: string): string => `plinth: ${owner}`;

/**
 * Creates a service's schema and its two roles, or repairs their rights; may be called again at any time. The client is
 * connected to the database as its administrator. Throws Fault already_exists when they belong to another owner.
 */
export async function ensureSchema(client: ProvisionClient, definition: SchemaDefinition): Promise<void> {
  const { database, schema, ddl, runtime, owner } = definition;
  if (owner !== undefined) await refuseForeign(client, definition, owner);
  for (const { role, password } of [ddl, runtime]) await ensureRole(client, { role, password, schema, database });
  await runStatements(client, [
    ...rights(schema, ddl.role, runtime.role),
    ...(owner === undefined ? [] : marks(definition, owner)),
  ]);
}

function rights(schema: string, ddlRole: string, runtimeRole: string): string[] {
  const [name, owner, user] = [identifier(schema), identifier(ddlRole), identifier(runtimeRole)];
  const defaults = `ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} IN SCHEMA ${name}`;
  return [
    `CREATE SCHEMA IF NOT EXISTS ${name} AUTHORIZATION ${owner}`,
    `ALTER SCHEMA ${name} OWNER TO ${owner}`,
    `REVOKE ALL ON SCHEMA ${name} FROM PUBLIC, ${user}`,
    `GRANT USAGE ON SCHEMA ${name} TO ${user}`,
    `${defaults} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${user}`,
    `${defaults} GRANT USAGE, SELECT ON SEQUENCES TO ${user}`,
    // New functions are executable by everyone unless this is said for the role as a whole.
    `ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC`,
    `${defaults} GRANT EXECUTE ON FUNCTIONS TO ${user}`,
  ];
}

function marks({ schema, ddl, runtime }: SchemaDefinition, owner: string): string[] {
  const mark = pg.escapeLiteral(ownerMark(owner));
  return [
    `COMMENT ON SCHEMA ${identifier(schema)} IS ${mark}`,
    `COMMENT ON ROLE ${identifier(ddl.role)} IS ${mark}`,
    `COMMENT ON ROLE ${identifier(runtime.role)} IS ${mark}`,
  ];
}

interface Found {
  kind: "schema" | "role";
  name: string;
  mark: string | null;
}

async function refuseForeign(client: ProvisionClient, definition: SchemaDefinition, owner: string): Promise<void> {
  const { schema, ddl, runtime } = definition;
  const { rows } = await client.query<Found>(
    `SELECT 'schema' AS kind, nspname AS name, obj_description(oid, 'pg_namespace') AS mark
       FROM pg_namespace WHERE nspname = $1
     UNION ALL
     SELECT 'role', rolname, shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = ANY ($2)`,
    [schema, [ddl.role, runtime.role]],
  );
  const foreign = rows.find((row) => row.mark !== ownerMark(owner));
  if (foreign === undefined) return;
  const whose = foreign.mark?.startsWith("plinth: ") ? `belongs to ${foreign.mark.slice(8)}` : "was not made by Plinth";
  throw new Fault({
    code: "already_exists",
    reason: "SCHEMA_TAKEN",
    message: `the ${foreign.kind} "${foreign.name}" exists and ${whose}; choose another name in spec.database.schema, or say that it is yours with COMMENT ON ${foreign.kind.toUpperCase()} ${foreign.name} IS '${ownerMark(owner)}'`,
    details: { kind: foreign.kind, name: foreign.name },
  });
}

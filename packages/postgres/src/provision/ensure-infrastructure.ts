import pg from "pg";
import { ensureRole } from "./ensure-role.ts";
import { type ProvisionClient, runStatements } from "./run-statements.ts";

export interface InfrastructureDefinition {
  database: string;
  /** Name of the schema and of its role. */
  schema: string;
  password: string;
  /** Statements that create the tables; must do no harm when they exist. */
  ddl: string;
}

/** A schema of the platform itself: its role may use every row and owns nothing. May be called again at any time. */
export async function ensureInfrastructure(
  client: ProvisionClient,
  definition: InfrastructureDefinition,
): Promise<void> {
  const { database, schema, password, ddl } = definition;
  const name = pg.escapeIdentifier(schema);
  await ensureRole(client, { role: schema, password, schema, database });
  await runStatements(client, [
    `CREATE SCHEMA IF NOT EXISTS ${name}`,
    `SET search_path = ${name}`,
    ddl,
    "RESET search_path",
    `GRANT USAGE ON SCHEMA ${name} TO ${name}`,
    `GRANT ALL ON ALL TABLES IN SCHEMA ${name} TO ${name}`,
    `GRANT ALL ON ALL SEQUENCES IN SCHEMA ${name} TO ${name}`,
  ]);
}

import type pg from "pg";

/** What provisioning needs of a connection. */
export type ProvisionClient = Pick<pg.ClientBase, "query">;

export async function runStatements(client: ProvisionClient, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await client.query(statement);
}

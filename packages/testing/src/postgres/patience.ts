/** For createDatabase: a machine that is slow is not a database that is away. */
export const patience = { connectTimeoutMs: 60_000, statementTimeoutMs: 60_000 } as const;

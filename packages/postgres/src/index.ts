export {
  createDatabase,
  type Database,
  type DatabaseOptions,
  type Queryable,
  type Transaction,
  type TransactionOptions,
} from "./database.ts";
export { databaseFault, sqlState, violatedConstraint } from "./database-fault.ts";
export { markHandled } from "./inbox.ts";
export { type MigrateOptions, type MigrateResult, migrate } from "./migrate/migrate.ts";
export { deleteOutbox, insertOutboxRow, type OutboxRow, outboxChannel, readOutbox } from "./outbox.ts";

export { createDataKey, type DataKey, type DataKeyOptions } from "./data-key.ts";
export {
  createDatabase,
  type Database,
  type DatabaseOptions,
  type Queryable,
  type Transaction,
  type TransactionOptions,
} from "./database.ts";
export { databaseFault, sqlState, violatedConstraint } from "./database-fault.ts";
export { forgetHandled, markAllHandled, markHandled } from "./inbox.ts";
export { type MigrateOptions, type MigrateResult, migrate } from "./migrate/migrate.ts";
export { insertOutboxRow, type OutboxRow, outboxChannel } from "./outbox.ts";
export { type Backlog, type OutboxReader, openOutbox } from "./outbox-reader.ts";

import { type ConfigOf, durationMs, text, url } from "@plinth/kernel";

/** Keys of the migrator; the operator sets them in the Job. */
export const migratorConfig = {
  databaseUrl: {
    ...url("PLINTH_DATABASE_URL", "PostgreSQL URL of the role that owns the schema", {
      schemes: ["postgres", "postgresql"],
    }),
    secret: true,
  },
  schema: text("PLINTH_MIGRATION_SCHEMA", "schema to migrate"),
  runtimeRole: text("PLINTH_MIGRATION_RUNTIME_ROLE", "role of the running service, for {{runtime_role}} in the files"),
  path: text("PLINTH_MIGRATION_PATH", "folder with NNNN_name.sql files; an empty one is fine", {
    default: "/migrations",
  }),
  platformPath: text(
    "PLINTH_MIGRATION_PLATFORM_PATH",
    "folder with what every schema gets first: the migrator's image has it there",
    {
      default: "/app/migrations",
    },
  ),
  timeoutMs: durationMs("PLINTH_MIGRATION_TIMEOUT", "bound for each statement, and for waiting for another migrator", {
    default: "10m",
  }),
  reportFile: text("PLINTH_MIGRATION_REPORT", "where the result goes, for the operator", {
    default: "/dev/termination-log",
  }),
};

export type MigratorConfig = ConfigOf<typeof migratorConfig>;

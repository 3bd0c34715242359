/** Condition types of a PlatformService: those of kstatus, then one per stage. */
export const conditionTypes = [
  "Ready",
  "Reconciling",
  "Stalled",
  "DatabaseReady",
  "Migrated",
  "Available",
  "RouteAccepted",
] as const;
export type ConditionType = (typeof conditionTypes)[number];

/** Every reason that a condition can give, with what it means. The reference in docs/ is made from this list. */
export const reasons = {
  // All is well.
  Ready: "Everything that the spec asks for is there and serves.",
  NotNeeded: "The spec does not ask for it.",
  DatabasePrepared: "Schema and roles exist, and their credentials are in Secrets.",
  MigrationSucceeded: "The schema has every migration of the image.",
  Serving: "Enough instances answer.",
  ScaledToZero: "The spec asks for no instances.",
  RouteAccepted: "The gateway serves the route.",
  PreviousVersionServing: "An earlier version serves; what keeps the new one back is in the message.",
  // Left alone on purpose.
  Paused: "spec.paused is true: nothing is changed until it is false.",
  // On the way; the operator goes on by itself.
  PreparingDatabase: "Credentials, schema and roles are being made.",
  DatabaseUnreachable: "The PostgreSQL server does not answer; it is tried again.",
  BusNotReady: "The schema of the event bus cannot be prepared; it is tried again.",
  ChildNotWritten: "The API server cannot write a child at the moment; it is tried again.",
  WaitingForDatabase: "Migrations start as soon as the database is prepared.",
  WaitingForMigration: "Instances start as soon as the migrations are through.",
  WaitingForOtherMigration: "The migration of an earlier version still runs and is left to finish.",
  MigrationRunning: "The migrator is at work.",
  MigrationNotStarting: "The migrator's pod does not start; the message says why.",
  DependencyNotReady: "A service in spec.dependsOn does not serve yet.",
  StartingUp: "The first instances are starting.",
  PodsNotStarting: "Instances do not start; the message says why.",
  RollingOut: "New instances replace old ones.",
  WaitingForInstances: "The route is made as soon as instances serve.",
  GatewayApiMissing: "The cluster does not know the kinds of the Gateway API.",
  GatewayMissing: "The Gateway that routes attach to does not exist.",
  WaitingForGateway: "The gateway has not looked at the route yet.",
  // Somebody has to act.
  DatabaseNotConfigured: "The operator was installed without a PostgreSQL server.",
  SecretIncomplete: "The Secret of Kafka or Redis that the chart names is missing or wrong; the message says how.",
  DatabaseRefused: "The PostgreSQL server refuses what the operator needs; it is tried again.",
  SchemaTaken: "The schema or a role of its name belongs to somebody else.",
  MigrationFailed: "A migration failed; earlier instances, if any, go on serving.",
  RolloutFailed: "New instances did not become ready in time; earlier ones, if any, go on serving.",
  RouteRefused: "The gateway refuses the route; the message says why.",
  NameTaken: "An object with the name of a child exists and belongs to somebody else.",
  ChildRefused: "The API server refuses a child; the message says why.",
} as const satisfies Record<string, string>;
export type Reason = keyof typeof reasons;

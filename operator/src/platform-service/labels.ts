/** Labels and annotations that the operator writes or reads. */
export const labels = {
  /** Name of the PlatformService that an object belongs to. */
  service: "plinth.dev/service",
  /** `server` or `migration`: keeps pods of migrations out of Services and policies. */
  component: "plinth.dev/component",
} as const;

export const annotations = {
  /** On every child: hash of what was applied, so that a field which is not wanted any more is noticed. */
  applied: "plinth.dev/applied",
  /** On the DDL Secret: hash of the schema, roles and passwords that exist in the database. */
  prepared: "plinth.dev/prepared",
  /** On migration Jobs: the migration they ran. On the Deployment: the migration its pods rely on. */
  migration: "plinth.dev/migration",
  /** On migration Jobs: generation of the PlatformService that asked for this attempt. */
  attempt: "plinth.dev/attempt",
  /** On the Deployment: the pod template as it was made, and what it was made from. */
  podTemplate: "plinth.dev/pod-template",
  podRevision: "plinth.dev/pod-revision",
  /** On pods: hash of the credentials of database, bus and Redis, so that new ones reach the pods. */
  credentials: "plinth.dev/credentials",
  /** On a PlatformService: any new value runs the migration again. */
  retry: "plinth.dev/retry",
} as const;

/** Keeps a PlatformService with `deletionPolicy: Delete` until its schema is dropped. */
export const databaseFinalizer = "plinth.dev/database";

/** Owner of the fields that the operator applies. */
export const fieldManager = "plinth-operator";

export function childLabels(service: string): Record<string, string> {
  return {
    [labels.service]: service,
    "app.kubernetes.io/name": service,
    "app.kubernetes.io/part-of": "plinth",
    "app.kubernetes.io/managed-by": "plinth-operator",
  };
}

/** Selects the pods that serve, not those of migrations. */
export const serverSelector = (service: string): Record<string, string> => ({
  [labels.service]: service,
  [labels.component]: "server",
});

/** Names of children; a service's name has at most 40 characters, so that all fit in 63. */
export const childNames = {
  databaseSecret: (service: string): string => `${service}-database`,
  ddlSecret: (service: string): string => `${service}-database-ddl`,
  busSecret: (service: string): string => `${service}-bus`,
  kafkaSecret: (service: string): string => `${service}-kafka`,
  redisSecret: (service: string): string => `${service}-redis`,
  workloadKeys: (service: string): string => `${service}-workload-keys`,
  httpRoute: (service: string, index: number): string => (index === 0 ? service : `${service}-${index + 1}`),
  migrationJob: (service: string, hash: string): string => `${service}-migrate-${hash}`,
};

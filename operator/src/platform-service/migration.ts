import { contentHash, isTrue, resources } from "@plinth/kube";
import type { DatabaseAccess } from "./database-access.ts";
import { annotations, childNames } from "./labels.ts";
import { childOf, childrenOf, isLiving, type Observed } from "./observed.ts";
import type { ServiceObject } from "./resources.ts";

type Job = NonNullable<typeof resources.jobs.object>;

/** Where the migration of the spec's image stands. */
export type MigrationState =
  /** The service has no database. */
  | { kind: "none" }
  /** The database is not prepared yet. */
  | { kind: "blocked" }
  | { kind: "done"; migration: string; job: Job | undefined }
  | { kind: "running"; migration: string; job: Job }
  | { kind: "failed"; migration: string; job: Job }
  /** The Job of an earlier version still runs. */
  | { kind: "waiting"; migration: string; job: Job }
  | { kind: "needed"; migration: string; name: string };

/** Stands for one migration: this image with these migrations on this database. `plinth.dev/retry` asks for it once more. */
export function migrationHash(service: ServiceObject, access: DatabaseAccess): string {
  const { path, command } = service.spec.database?.migrations ?? {};
  const retry = service.metadata.annotations?.[annotations.retry];
  return contentHash({ image: service.spec.image, path, command, schema: access.schema, place: access.place, retry });
}

/**
 * The Deployment remembers the last migration that its pods rely on, so finished Jobs may go. A failed Job stays failed
 * until the spec changes or somebody deletes it; each attempt is a Job of its own.
 */
export function migrationState(
  service: ServiceObject,
  observed: Observed,
  access: DatabaseAccess | undefined,
  prepared: boolean,
): MigrationState {
  if (!service.spec.database) return { kind: "none" };
  if (!access || !prepared) return { kind: "blocked" };
  const migration = migrationHash(service, access);
  const jobs = childrenOf(observed, resources.jobs).filter(
    (job) => isLiving(job, service) && job.metadata.annotations?.[annotations.migration] !== undefined,
  );
  const own = jobs.filter((job) => job.metadata.annotations?.[annotations.migration] === migration).sort(byAttempt);
  const complete = own.find((job) => isTrue(job.status?.conditions, "Complete"));
  const deployment = childOf(observed, resources.deployments, service.metadata.name);
  if (complete || deployment?.metadata.annotations?.[annotations.migration] === migration) {
    return { kind: "done", migration, job: complete };
  }
  const active = own.find(isActive);
  if (active) return { kind: "running", migration, job: active };
  const other = jobs.find(isActive);
  if (other) return { kind: "waiting", migration, job: other };
  const failed = own.at(-1);
  const { name, generation } = service.metadata;
  if (!failed) return { kind: "needed", migration, name: childNames.migrationJob(name, migration) };
  if (attemptOf(failed) >= generation) return { kind: "failed", migration, job: failed };
  const again = contentHash([migration, generation]);
  return { kind: "needed", migration, name: childNames.migrationJob(name, again) };
}

/** Jobs that say nothing any more: finished well, of another version. Failed ones keep their logs until they expire. */
export const isObsolete = (job: Job, state: MigrationState): boolean =>
  "migration" in state &&
  job.metadata.annotations?.[annotations.migration] !== state.migration &&
  isTrue(job.status?.conditions, "Complete");

const isActive = (job: Job): boolean =>
  !isTrue(job.status?.conditions, "Complete") && !isTrue(job.status?.conditions, "Failed");

const attemptOf = (job: Job): number => Number(job.metadata.annotations?.[annotations.attempt] ?? 0);
const byAttempt = (a: Job, b: Job): number => attemptOf(a) - attemptOf(b);

import { resources } from "@plinth/kube";
import { type Child, child } from "../child.ts";
import type { DatabaseAccess } from "../database-access.ts";
import { durationSeconds } from "../duration.ts";
import { annotations, childLabels, childNames, labels } from "../labels.ts";
import type { ServiceObject } from "../resources.ts";
import type { PlatformSettings } from "../settings.ts";
import { restrictedContainer, restrictedPod } from "./restricted.ts";

type Job = NonNullable<typeof resources.jobs.object>;
type PodSpec = NonNullable<NonNullable<Job["spec"]>["template"]["spec"]>;
type Container = PodSpec["containers"][number];

export interface MigrationJobOptions {
  service: ServiceObject;
  settings: PlatformSettings;
  access: DatabaseAccess;
  /** Full name of the Job; carries a hash of what it does, because a Job cannot be changed. */
  name: string;
  /** Hash of image, migrations and place of the data. */
  migration: string;
}

/** Exit codes of the migrator after which trying again cannot help: wrong configuration, a migration that fails. */
export const hopelessExitCodes = [2, 3];
/** Failures that may pass (the server is away, a node dies) are tried again this often, after 10, 20, 40 s. */
const retriesMax = 3;
/** Logs of migrations are kept for a week. */
const keptSeconds = 7 * 24 * 3600;
/** For starting the pod and pulling images, on top of the migrations' own bound. */
const startUpSeconds = 300;
const migrationsFolder = "/migrations";
const imageFolder = "/image";

export function migrationJob(options: MigrationJobOptions): Child<Job> {
  const { service, name, migration } = options;
  const timeout = service.spec.database?.migrations?.timeout ?? "10m";
  return child(
    resources.jobs,
    service,
    {
      metadata: {
        name,
        labels: { [labels.component]: "migration" },
        annotations: {
          [annotations.migration]: migration,
          [annotations.attempt]: String(service.metadata.generation),
        },
      },
      spec: {
        parallelism: 1,
        completions: 1,
        backoffLimit: retriesMax,
        activeDeadlineSeconds: durationSeconds(timeout) + startUpSeconds,
        ttlSecondsAfterFinished: keptSeconds,
        podFailurePolicy: {
          rules: [
            // A pod that was evicted is no failed migration.
            { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
            {
              action: "FailJob",
              onExitCodes: { containerName: "migrator", operator: "In", values: hopelessExitCodes },
            },
          ],
        },
        template: {
          metadata: {
            labels: { ...childLabels(service.metadata.name), [labels.component]: "migration" },
          },
          spec: podSpec(options),
        },
      },
    },
    "create",
  );
}

function podSpec(options: MigrationJobOptions): PodSpec {
  const { service, settings } = options;
  const { pod, database } = service.spec;
  const command = database?.migrations?.command;
  const path = database?.migrations?.path;
  const mounted = path !== undefined && settings.migrationSource === "image-volume";
  const copied = path !== undefined && !mounted;
  const tool = command === undefined ? [] : [toolContainer(service, command)];
  const migrator = migratorContainer(options, mounted);
  return {
    restartPolicy: "Never",
    // Talks to PostgreSQL and to nothing else.
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: restrictedPod,
    ...(pod?.imagePullSecrets ? { imagePullSecrets: pod.imagePullSecrets } : {}),
    ...(pod?.nodeSelector ? { nodeSelector: pod.nodeSelector } : {}),
    ...(pod?.tolerations ? { tolerations: pod.tolerations } : {}),
    // With a tool of the service's own, the platform's tables come first.
    initContainers: [...(copied ? [copyContainer(service, path)] : []), ...(tool.length > 0 ? [migrator] : [])],
    containers: tool.length > 0 ? tool : [migrator],
    volumes: [
      { name: "migrations", emptyDir: { sizeLimit: "64Mi" } },
      ...(mounted ? [{ name: "image", image: { reference: service.spec.image } }] : []),
    ],
  };
}

function migratorContainer({ service, settings, access }: MigrationJobOptions, mounted: boolean): Container {
  const { migrations } = service.spec.database ?? {};
  const folder = mounted ? `${imageFolder}${migrations?.path}` : migrationsFolder;
  return {
    name: "migrator",
    image: settings.migratorImage,
    env: [
      databaseUrl("PLINTH_DATABASE_URL", service),
      { name: "PLINTH_MIGRATION_SCHEMA", value: access.schema },
      { name: "PLINTH_MIGRATION_RUNTIME_ROLE", value: access.runtime.role },
      { name: "PLINTH_MIGRATION_PATH", value: folder },
      { name: "PLINTH_MIGRATION_TIMEOUT", value: migrations?.timeout ?? "10m" },
    ],
    securityContext: restrictedContainer,
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [
      { name: "migrations", mountPath: migrationsFolder },
      ...(mounted ? [{ name: "image", mountPath: imageFolder, readOnly: true }] : []),
    ],
  };
}

/** The service's own migration tool, in its own image. */
const toolContainer = (service: ServiceObject, command: string[]): Container => ({
  name: "tool",
  image: service.spec.image,
  ...pullPolicy(service),
  command,
  env: [databaseUrl("DATABASE_URL", service)],
  securityContext: restrictedContainer,
  terminationMessagePolicy: "FallbackToLogsOnError",
  volumeMounts: [{ name: "migrations", mountPath: "/tmp" }],
});

const copyContainer = (service: ServiceObject, path: string): Container => ({
  name: "copy",
  image: service.spec.image,
  ...pullPolicy(service),
  command: ["cp", "-R", `${path.replace(/\/+$/, "")}/.`, `${migrationsFolder}/`],
  securityContext: restrictedContainer,
  terminationMessagePolicy: "FallbackToLogsOnError",
  volumeMounts: [{ name: "migrations", mountPath: migrationsFolder }],
});

const pullPolicy = (service: ServiceObject): { imagePullPolicy?: string } =>
  service.spec.pod?.imagePullPolicy ? { imagePullPolicy: service.spec.pod.imagePullPolicy } : {};

const databaseUrl = (name: string, service: ServiceObject) => ({
  name,
  valueFrom: { secretKeyRef: { name: childNames.ddlSecret(service.metadata.name), key: "url" } },
});

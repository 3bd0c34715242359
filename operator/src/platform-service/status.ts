import { type Condition, resources, setCondition, setKstatus } from "@plinth/kube";
import type { PlatformServiceStatus } from "@plinth/platform";
import { type Finding, migrationError } from "./checks.ts";
import type { Facts } from "./facts.ts";
import { childOf, type PodNote } from "./observed.ts";
import { publicUrl } from "./public-url.ts";
import { type Reason, reasons } from "./reasons.ts";
import { type Rollout, rolloutOf } from "./rollout.ts";

type Stage = Finding["condition"];

/** The whole status, computed; equal to the old one when nothing changed. `findings` in order of the checks. */
export function computeStatus(facts: Facts, findings: readonly Finding[], nowMs: number): PlatformServiceStatus {
  const { service, observed } = facts;
  const previous = service.status;
  const generation = service.metadata.generation;
  const deployment = childOf(observed, resources.deployments, service.metadata.name);
  const rollout = deployment && rolloutOf(deployment);
  const { ready, reconciling, stalled } = overall(facts, findings, rollout);

  let conditions: readonly Condition[] = setKstatus(
    previous?.conditions as Condition[] | undefined,
    { ready, ...(reconciling ? { reconciling } : {}), ...(stalled ? { stalled } : {}) },
    generation,
    nowMs,
  );
  if (service.spec.paused) conditions = markPaused(conditions, generation, nowMs);
  for (const [type, verdict] of stageVerdicts(facts, findings, rollout)) {
    conditions = setCondition(conditions, { type, ...verdict, observedGeneration: generation }, nowMs);
  }
  const image = rollout?.complete ? deployment?.spec?.template.spec?.containers[0]?.image : previous?.image;
  const url = publicUrl(facts);
  const migration = migrationCounts(facts);
  return {
    observedGeneration: generation,
    conditions: conditions as NonNullable<PlatformServiceStatus["conditions"]>,
    ...(url ? { url } : {}),
    ...(image ? { image } : {}),
    // Never an empty object: server-side apply makes null of one that lost its last field, which the schema refuses.
    ...(migration && Object.keys(migration).length > 0 ? { migration } : {}),
    ...(rollout
      ? {
          replicas: {
            desired: rollout.desired,
            ready: rollout.ready,
            updated: rollout.updated,
            available: rollout.available,
          },
        }
      : {}),
  };
}

interface Verdict {
  status: "True" | "False";
  reason: Reason;
  message: string;
}

/** Ready says whether what is deployed serves; Reconciling and Stalled what comes of the newest spec. */
function overall(facts: Facts, findings: readonly Finding[], rollout: Rollout | undefined) {
  const first = findings[0];
  if (!first) return { ready: yes("Ready", reasons.Ready) };
  const unrouted = findings.some((finding) => finding.condition === "RouteAccepted" && !finding.serves);
  const ready =
    rollout?.serving === true && !unrouted
      ? yes("PreviousVersionServing", `the spec is not fulfilled yet: ${first.message}`)
      : facts.service.spec.paused
        ? no("Paused", `${reasons.Paused} It stopped at: ${first.message}`)
        : no(first.reason, first.message);
  const { reason, message } = first;
  return first.stalled ? { ready, stalled: { reason, message } } : { ready, reconciling: { reason, message } };
}

function stageVerdicts(facts: Facts, findings: readonly Finding[], rollout: Rollout | undefined): [Stage, Verdict][] {
  const { service, migration } = facts;
  const { database, events, route } = service.spec;
  const failing = (stage: Stage): Verdict | undefined => {
    const finding = findings.find((each) => each.condition === stage);
    return finding && no(finding.reason, finding.message);
  };
  const available = rollout?.serving
    ? rollout.desired === 0
      ? yes("ScaledToZero", reasons.ScaledToZero)
      : yes("Serving", `${rollout.available} of ${rollout.desired} instances serve`)
    : no("StartingUp", "instances are being made");
  return [
    [
      "DatabaseReady",
      failing("DatabaseReady") ?? (database || events ? yes("DatabasePrepared", reasons.DatabasePrepared) : notNeeded),
    ],
    [
      "Migrated",
      failing("Migrated") ??
        (migration.kind === "none" ? notNeeded : yes("MigrationSucceeded", reasons.MigrationSucceeded)),
    ],
    ["Available", rollout?.serving ? available : (failing("Available") ?? available)],
    ["RouteAccepted", failing("RouteAccepted") ?? (route ? yes("RouteAccepted", reasons.RouteAccepted) : notNeeded)],
  ];
}

function markPaused(conditions: readonly Condition[], observedGeneration: number, nowMs: number): readonly Condition[] {
  const paused = { status: "False", reason: "Paused", message: reasons.Paused, observedGeneration } as const;
  const reconciling = setCondition(conditions, { type: "Reconciling", ...paused }, nowMs);
  return setCondition(reconciling, { type: "Stalled", ...paused }, nowMs);
}

/** What the migrator wrote when it ended. */
interface MigratorReport {
  applied?: number;
  pending?: number;
}

function migrationCounts(facts: Facts): PlatformServiceStatus["migration"] | undefined {
  const { migration, observed, service } = facts;
  if (migration.kind === "none") return undefined;
  const previous = service.status?.migration;
  if (migration.kind === "failed") {
    const lastError = migrationError(facts);
    return { ...counts(previous), ...report(observed.migrationPods), ...(lastError ? { lastError } : {}) };
  }
  if (migration.kind === "done") return { ...counts(previous), ...report(observed.migrationPods) };
  return previous;
}

const counts = (previous: PlatformServiceStatus["migration"]): MigratorReport => ({
  ...(previous?.applied === undefined ? {} : { applied: previous.applied }),
  ...(previous?.pending === undefined ? {} : { pending: previous.pending }),
});

function report(pods: readonly PodNote[]): MigratorReport {
  const message = pods.findLast((pod) => pod.ended)?.ended?.message ?? "";
  const found = /^result: applied=(\d+) pending=(\d+)$/m.exec(message);
  return found ? { applied: Number(found[1]), pending: Number(found[2]) } : {};
}

const yes = (reason: Reason, message: string): Verdict => ({ status: "True", reason, message });
const no = (reason: Reason, message: string): Verdict => ({ status: "False", reason, message });
const notNeeded = yes("NotNeeded", reasons.NotNeeded);

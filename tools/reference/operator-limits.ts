import type { Limit } from "./limit-list.ts";

/** Limits of the operator and the migrator; a part of the list in limit-list.ts. */
export const operatorLimits: Readonly<Record<string, Readonly<Record<string, readonly Limit[]>>>> = {
  "The operator": {
    "operator/src/app.ts": [{ name: "eventsFlushMs", meaning: "writing the last Events when leadership ends" }],
    "operator/src/platform-service/database.ts": [
      { name: "connectTimeoutMs", meaning: "connecting to PostgreSQL" },
      { name: "statementTimeoutMs", meaning: "a statement that makes schemas and roles" },
      { name: "lockTimeoutMs", meaning: "waiting for a lock meanwhile" },
    ],
    "operator/src/platform-service/bus.ts": [{ name: "pauseMs", meaning: "after the bus's schema could not be made" }],
    "operator/src/platform-service/caches.ts": [
      { name: "lookAgainMs", meaning: "between two looks for a Gateway API that the cluster lacks" },
      { name: "askAgainMs", meaning: "the same after the API server did not answer" },
    ],
    "operator/src/platform-service/cluster-keys.ts": [
      { name: "refreshMs", meaning: "between two readings of the cluster's keys of ServiceAccount tokens" },
      { name: "retryMs", meaning: "the same after a failure" },
    ],
    "operator/src/platform-service/backing-secrets.ts": [
      { name: "rereadMs", meaning: "between two looks at the mounted Secrets of Kafka and Redis" },
    ],
    "operator/src/platform-service/checks.ts": [
      { name: "refusedAgainMs", meaning: "until an object that the API server refused is tried again" },
      { name: "outsideAgainMs", meaning: "until something outside of the cluster is looked at again" },
      { name: "gatewayAgainMs", meaning: "until a Gateway that is missing is looked for again" },
      { name: "lastLinesMax", meaning: "last lines of a migration in the status" },
      { name: "lineCharactersMax", meaning: "characters of each", unit: "count" },
    ],
    "operator/src/platform-service/preview.ts": [
      { name: "roundsMax", meaning: "rounds in which `plinth plan` and `plinth diff` think through all stages" },
    ],
    "operator/src/platform-service/finalize.ts": [
      { name: "againMs", meaning: "between two tries to drop the schema of a deleted service" },
    ],
    "operator/src/platform-service/reconcile.ts": [
      { name: "behindMs", meaning: "until a cache that is behind is read again" },
    ],
    "operator/src/platform-service/gateway-api.ts": [{ name: "httpRouteRulesMax", meaning: "rules in one HTTPRoute" }],
    "operator/src/platform-service/objects/deployment.ts": [
      {
        name: "pinnedCharactersMax",
        meaning: "characters of a pod template that outlives changes of the operator",
        unit: "count",
      },
      { name: "progressDeadlineSeconds", meaning: "until new instances that are not ready count as failed", unit: "s" },
    ],
    "operator/src/platform-service/objects/pod-template.ts": [
      { name: "leadTimeMaxSeconds", meaning: "from the removal of a pod from its endpoints to SIGTERM", unit: "s" },
      { name: "startUpMaxSeconds", meaning: "until a new process answers /livez", unit: "s" },
    ],
    "operator/src/platform-service/objects/migration-job.ts": [
      { name: "retriesMax", meaning: "repetitions of a migration after failures that may pass" },
      { name: "keptSeconds", meaning: "Jobs and logs of migrations are kept", unit: "s" },
      {
        name: "startUpSeconds",
        meaning: "for starting a migration's pod, on top of the migration's own bound",
        unit: "s",
      },
    ],
    "operator/src/migrator/run-migrator.ts": [
      { name: "reportBytesMax", meaning: "what the migrator reports; Kubernetes keeps no more" },
    ],
  },
};

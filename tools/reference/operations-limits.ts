import type { Limit } from "./limit-list.ts";

/** Limits of doctor, check, sysdump, backup and what the CLI does on Kubernetes; a part of the list in limit-list.ts. */
export const operationsLimits: Readonly<Record<string, Readonly<Record<string, readonly Limit[]>>>> = {
  "Checks, collections and backups": {
    "cli/src/checks/check.ts": [{ name: "checkTimeoutMs", meaning: "one check" }],
    "cli/src/checks/run-and-report.ts": [{ name: "againMs", meaning: "between two rounds of `plinth check --wait`" }],
    "cli/src/checks/disk.ts": [
      { name: "freeFailsBytes", meaning: "free disk space below which a check fails" },
      { name: "freeWarnsBytes", meaning: "the same for a warning" },
    ],
    "cli/src/checks/clock-skew.ts": [
      { name: "skewWarnsMs", meaning: "difference of two clocks from which a check warns" },
      { name: "skewFailsMs", meaning: "the same from which it fails" },
    ],
    "cli/src/checks/local/local-context.ts": [
      { name: "connectTimeoutMs", meaning: "connecting to PostgreSQL for a check" },
      { name: "statementTimeoutMs", meaning: "a statement of a check" },
    ],
    "cli/src/checks/local/database-checks.ts": [
      { name: "backlogAgeMaxS", meaning: "age of an event in an outbox from which a check warns", unit: "s" },
    ],
    "cli/src/checks/local/gateway-checks.ts": [
      { name: "answerTimeoutMs", meaning: "the gateway's answer to a check" },
      { name: "auditTimeoutMs", meaning: "until a sign-in must be in the audit log" },
      { name: "auditPollMs", meaning: "between two looks for it" },
    ],
    "cli/src/checks/local/event-checks.ts": [
      { name: "dialTimeoutMs", meaning: "connecting to a broker of Kafka for a check" },
      { name: "waitingMax", meaning: "events that may wait for a group before a check warns" },
    ],
    "cli/src/checks/cluster/cluster-context.ts": [
      { name: "pageSize", meaning: "objects of one answer of the API server" },
    ],
    "cli/src/checks/cluster/secret-checks.ts": [
      { name: "certificateWarnsDays", meaning: "days of a certificate's validity below which a check warns" },
    ],
    "cli/src/archive/tar.ts": [{ name: "pieceMaxBytes", meaning: "what is read of an archive at once" }],
    "cli/src/backup/base-backup.ts": [{ name: "connectTimeoutMs", meaning: "connecting to PostgreSQL for a backup" }],
    "cli/src/sysdump/collect-local.ts": [
      { name: "logTailMaxBytes", meaning: "the end of each log in a sysdump" },
      { name: "metricsTimeoutMs", meaning: "reading the metrics of an instance" },
      { name: "metricsMaxBytes", meaning: "metrics of an instance" },
    ],
    "cli/src/sysdump/collect-cluster.ts": [
      { name: "logBytesMax", meaning: "the log of each container in a sysdump" },
      { name: "podsMax", meaning: "pods whose logs are collected" },
      { name: "metricsTimeoutMs", meaning: "reading the metrics of a pod" },
    ],
    "cli/src/sysdump/redact.ts": [
      {
        name: "knownLengthMin",
        meaning: "characters from which a known value is taken out wherever it stands",
        unit: "count",
      },
    ],
    "cli/src/commands/line-diff.ts": [
      { name: "cellsMax", meaning: "product of two texts' lines that `plinth diff` compares" },
    ],
    "cli/src/commands/cluster-logs.ts": [
      { name: "logBytesMax", meaning: "the log of a pod that `plinth logs` shows" },
      { name: "lookAgainMs", meaning: "between two looks for new pods while following" },
      { name: "silenceMaxMs", meaning: "a followed pod's silence after which the connection is made anew" },
    ],
  },
};

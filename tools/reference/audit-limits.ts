import type { Limit } from "./limit-list.ts";

/** Limits of the audit log and of what verifies it; a part of the list in limit-list.ts. */
export const auditLimits: Readonly<Record<string, Readonly<Record<string, readonly Limit[]>>>> = {
  audit: {
    "services/audit/src/rpc/list-entries.ts": [
      { name: "defaultPageSize", meaning: "entries on a page", unit: "count" },
    ],
    "services/audit/src/rpc/list-gaps.ts": [
      { name: "gapsMax", meaning: "gaps that one answer lists, and numbers that were used again" },
    ],
    "services/audit/src/store/source-gaps.ts": [
      { name: "settleMs", meaning: "a number that is missing among events may be on its way" },
    ],
    "services/audit/src/log/number-check.ts": [
      { name: "intervalMs", meaning: "between two looks for entries whose numbers are not checked yet" },
      { name: "checkMax", meaning: "entries whose numbers are checked in one transaction" },
    ],
    "services/audit/src/rpc/export-entries.ts": [
      { name: "batchMax", meaning: "entries of an export that are read at a time" },
      { name: "messageCharsMax", meaning: "a message of an export, in characters", unit: "count" },
    ],
    "services/audit/src/recording/group-commit.ts": [
      {
        name: "groupMax",
        meaning:
          "records and events that share a transaction, large ones counted by KiB; none is added once there are so many",
      },
    ],
    "services/audit/src/domain/entry-limits.ts": [
      {
        name: "detailsMaxBytes",
        meaning: "details of an entry as JSON; then `ENTRY_TOO_LARGE`, or the event's payload in their place",
      },
      { name: "payloadMaxBytes", meaning: "payload of an entry; then its size and hash in its place" },
    ],
    "services/audit/src/rpc/report-configuration.ts": [
      {
        name: "itemMaxBytes",
        meaning: "an item of a reported configuration, as JSON; then `CONFIGURATION_ITEM_INVALID`",
      },
    ],
    "services/audit/src/configuration/configuration-record.ts": [
      { name: "changesAtOnce", meaning: "changes of a reported configuration that are recorded in one transaction" },
    ],
    "packages/service/src/configuration-reporter.ts": [
      { name: "settleMs", meaning: "changes of a service's configuration within this are reported together" },
    ],
    "services/gateway/src/control/describe-routes.ts": [
      { name: "nameMaxChars", meaning: "name of a rule in the audit log; a longer one is cut and ends in a hash" },
    ],
    "services/audit/src/log/sequencer.ts": [
      { name: "intervalMs", meaning: "between two looks for entries that are not in the tree yet" },
      { name: "retryMs", meaning: "the same after a failure" },
      { name: "signAnewMs", meaning: "a change of the log's keys shows in the checkpoint within" },
      { name: "integrateMax", meaning: "entries that get into the tree in one transaction" },
      { name: "adoptMax", meaning: "entries of the version before that are moved in one transaction" },
    ],
    "services/audit/src/log/retention.ts": [
      { name: "intervalMs", meaning: "between two looks for entries whose time is over" },
      { name: "batchMax", meaning: "entries that are removed in one transaction" },
    ],
    "services/audit/src/log/erasure.ts": [
      { name: "intervalMs", meaning: "between two looks for erased users whose entries can still be found" },
      { name: "batchMax", meaning: "entries that are made unfindable in one transaction" },
    ],
    "services/audit/src/log/witness-feeder.ts": [
      { name: "intervalMs", meaning: "between two checkpoints that a witness is shown" },
      { name: "timeoutMs", meaning: "a witness's answer" },
      { name: "answerBytesMax", meaning: "what is read of a witness's answer" },
    ],
    "services/audit/src/http/tlog-routes.ts": [{ name: "timeoutMs", meaning: "asking authz about a reader of tiles" }],
    "cli/src/audit/export-pieces.ts": [
      { name: "attemptsMax", meaning: "calls in a row of `plinth audit` that bring nothing more of an export" },
    ],
    "packages/transparency-log/src/note.ts": [
      { name: "noteCharsMax", meaning: "a checkpoint, in characters", unit: "count" },
      { name: "signaturesMax", meaning: "signatures of a checkpoint" },
    ],
    "packages/transparency-log/src/proof-file.ts": [{ name: "proofHashesMax", meaning: "hashes of a proof" }],
  },
};

/** Constants of formats, which bound nothing. */
export const auditFormats: Readonly<Record<string, readonly string[]>> = {
  "packages/transparency-log/src/entry-leaf.ts": ["saltBytes"],
  "packages/transparency-log/src/hash.ts": ["hashBytes"],
  "packages/transparency-log/src/note.ts": ["keyIdBytes", "timeBytes"],
  "packages/transparency-log/src/tile.ts": ["levelMax"],
  "services/audit/src/log/entry-bundle.ts": ["lengthBytes"],
  "services/audit/src/log/log-keys.ts": ["seedBytes"],
  "services/audit/src/store/subject-keys.ts": ["keyBytes"],
};

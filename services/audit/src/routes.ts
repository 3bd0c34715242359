import type { Clock } from "@plinth/kernel";
import type { Database } from "@plinth/postgres";
import { AuditService } from "@plinth/proto/plinth/audit/v1/audit";
import { ConfigurationService } from "@plinth/proto/plinth/audit/v1/configuration";
import { LogService } from "@plinth/proto/plinth/audit/v1/log";
import { access, defineService, type ServiceRoutes } from "@plinth/rpc";
import type { ConfigurationRecord } from "./configuration/configuration-record.ts";
import type { CosignatureStore } from "./log/cosignatures.ts";
import type { LogKeys } from "./log/log-keys.ts";
import type { LogReader } from "./log/log-reader.ts";
import type { Sequencer } from "./log/sequencer.ts";
import type { Recorder } from "./recording/recorder.ts";
import { addCosignatures, getCheckpoint, getWitnessRequest, listLogKeys, rotateLogKey } from "./rpc/checkpoints.ts";
import { exportEntries } from "./rpc/export-entries.ts";
import { getEntry } from "./rpc/get-entry.ts";
import { listEntries } from "./rpc/list-entries.ts";
import { listGaps } from "./rpc/list-gaps.ts";
import { getConsistencyProof, getEntryProof, getInclusionProof } from "./rpc/proofs.ts";
import { recordEntry } from "./rpc/record-entry.ts";
import { reportConfiguration } from "./rpc/report-configuration.ts";
import type { EntryStore } from "./store/entry-store.ts";

const may = (relation: string) => access.permission(relation, "platform:plinth");
/** For everything that shows entries or what proves them. */
export const mayRead = may("can_read_audit");
const mayWrite = access.any(access.service(), may("can_write_audit"));

/** What happened: who may call what, and what answers. */
export const routes = (entries: EntryStore, recorder: Recorder, clock: Clock): ServiceRoutes =>
  defineService(AuditService, {
    recordEntry: { access: mayWrite, handle: recordEntry(recorder, clock) },
    getEntry: { access: mayRead, handle: getEntry(entries) },
    listEntries: { access: mayRead, handle: listEntries(entries) },
  });

/** What services run with: nobody but the service itself knows. */
export const configurationRoutes = (configurations: ConfigurationRecord): ServiceRoutes =>
  defineService(ConfigurationService, {
    reportConfiguration: { access: access.service(), handle: reportConfiguration(configurations) },
  });

export interface LogRoutesDeps {
  database: Database;
  clock: Clock;
  entries: EntryStore;
  origin: string;
  keys: LogKeys;
  reader: LogReader;
  sequencer: Sequencer;
  cosignatures: CosignatureStore;
}

/** What the log proves. A cosignature proves itself: whoever may read the log may bring it. */
export const logRoutes = ({
  database,
  clock,
  entries,
  origin,
  keys,
  reader,
  sequencer,
  cosignatures,
}: LogRoutesDeps): ServiceRoutes =>
  defineService(LogService, {
    exportEntries: { access: mayRead, handle: exportEntries(entries, reader) },
    getCheckpoint: { access: mayRead, handle: getCheckpoint(reader, origin) },
    getInclusionProof: { access: mayRead, handle: getInclusionProof(entries, reader) },
    getConsistencyProof: { access: mayRead, handle: getConsistencyProof(reader) },
    getEntryProof: { access: mayRead, handle: getEntryProof(entries, reader) },
    listLogKeys: { access: mayRead, handle: listLogKeys(keys, origin) },
    listGaps: { access: mayRead, handle: listGaps(database, clock) },
    rotateLogKey: { access: may("can_manage_keys"), handle: rotateLogKey(keys, sequencer) },
    getWitnessRequest: { access: mayRead, handle: getWitnessRequest(reader) },
    addCosignatures: { access: mayRead, handle: addCosignatures(cosignatures, reader, origin) },
  });

export { type ApiClient, createApiClient } from "./api-client.ts";
export { type ApiStatus, apiFault } from "./api-fault.ts";
export type {
  ApplyOptions,
  CallOptions,
  DeepPartial,
  DeleteOptions,
  Draft,
  ListOptions,
  ListPage,
  LogOptions,
  PatchOptions,
  Selection,
  WatchOptions,
  WriteOptions,
} from "./api-options.ts";
export type { Change, ChangeHandler } from "./change-feed.ts";
export {
  type ClusterConfig,
  type ClusterConfigOptions,
  type ClusterCredentials,
  type ClusterTls,
  loadClusterConfig,
} from "./cluster-config.ts";
export {
  type Condition,
  type ConditionUpdate,
  findCondition,
  isTrue,
  removeCondition,
  setCondition,
} from "./conditions.ts";
export { contentHash, sameContent } from "./content-hash.ts";
export {
  type Controller,
  type ControllerOptions,
  createController,
  type Reconcile,
  type Result,
} from "./controller.ts";
export type { EventDraft } from "./event-series.ts";
export { createEventRecorder, type EventRecorder, type EventRecorderOptions } from "./events.ts";
export { fenceWrites } from "./fence.ts";
export { createHttpTransport, type HttpTransportOptions } from "./http-transport.ts";
export { createInformer, type Informer, type InformerOptions, type InformerStatus } from "./informer.ts";
export { judgeKstatus, type Kstatus, type KstatusResult, setKstatus } from "./kstatus.ts";
export { createLeaseElection, type LeaseElection, type LeaseElectionOptions, type Term } from "./lease-election.ts";
export { childName } from "./names.ts";
export type { Indexes, ObjectCache } from "./object-cache.ts";
export { controllerOf, isOwnedBy, ownerKeys, ownerReference } from "./owner.ts";
export type { Priority } from "./ready-list.ts";
export {
  type KubeObject,
  type ObjectMeta,
  type ObjectOf,
  type ObjectRef,
  type OwnerReference,
  objectKey,
  parseObjectKey,
  type Resource,
  resourcePath,
} from "./resource.ts";
export { compareResourceVersions } from "./resource-version.ts";
export { resources } from "./resources.ts";
export { type Source, specChanged, type WatchSourceOptions, watchSource } from "./source.ts";
export { TerminalFault } from "./terminal-fault.ts";
export type { ApiAnswer, ApiCall, ApiMethod, Transport } from "./transport.ts";
export type { WatchEvent } from "./watch-stream.ts";
export type { Wire } from "./wire.ts";
export {
  type AddOptions,
  createWorkQueue,
  type WorkItem,
  type WorkQueue,
  type WorkQueueOptions,
} from "./work-queue.ts";

import { auditFormats, auditLimits } from "./audit-limits.ts";
import { callLimits } from "./call-limits.ts";
import { databaseAndEvents } from "./event-limits.ts";
import { gatewayOnKubernetes } from "./gateway-limits.ts";
import { openApiLimits } from "./openapi-limits.ts";
import { operationsLimits } from "./operations-limits.ts";
import { operatorLimits } from "./operator-limits.ts";
import { redisLimits } from "./redis-limits.ts";
import { sdkLimits } from "./sdk-limits.ts";

/** A limit in the source: the constant or option with this name in this file. Its value is read from there. */
export interface Limit {
  name: string;
  meaning: string;
  /** Told from the end of the name unless given. */
  unit?: "ms" | "s" | "bytes" | "KiB" | "MiB" | "count";
}

/** Where limits are set, by what they protect. A test finds the ones that are missing here. */
export const limitList: Readonly<Record<string, Readonly<Record<string, readonly Limit[]>>>> = {
  Processes: {
    "packages/kernel/src/lifecycle.ts": [
      { name: "stopTimeoutMs", meaning: "an ordered stop altogether, below the 30 s that Kubernetes grants" },
    ],
    "packages/kernel/src/line-writer.ts": [
      { name: "bufferBytes", meaning: "log lines that are collected before they are written" },
      { name: "flushMs", meaning: "a log line waits to be written" },
    ],
    "packages/kernel/src/otlp-export.ts": [
      {
        name: "queueMax",
        meaning: "spans, and as many log lines, that wait for the receiver of telemetry; more are dropped",
      },
      { name: "batchMax", meaning: "of them that are sent at once" },
      { name: "deliveryMaxMs", meaning: "a delivery with its repetitions" },
      { name: "metricsIntervalMs", meaning: "between two deliveries of metrics" },
    ],
    "packages/kernel/src/span-file.ts": [
      { name: "fileMaxBytes", meaning: "a file of spans; there is one older beside it" },
      { name: "waitingMaxBytes", meaning: "spans that wait to be written; more are dropped" },
      { name: "flushMs", meaning: "a span waits to be written" },
    ],
    "packages/kernel/src/telemetry.ts": [
      { name: "shutdownMaxMs", meaning: "a process that stops waits for the receiver of telemetry" },
    ],
    "packages/kernel/src/admin-server.ts": [
      { name: "requestTimeout", meaning: "a request to the admin port", unit: "ms" },
      { name: "headersTimeout", meaning: "the head of a request to the admin port", unit: "ms" },
    ],
    "packages/service/src/denial-recorder.ts": [
      { name: "windowMs", meaning: "further refusals of the same caller at the same RPC are one event" },
      { name: "kindsMax", meaning: "callers and RPCs whose refusals are counted at once" },
      { name: "waitingMax", meaning: "such events that wait for the database" },
    ],
    "packages/service/src/workload-token.ts": [
      { name: "rereadMs", meaning: "between two readings of the own workload token" },
    ],
  },
  "RPC servers": {
    "packages/rpc/src/server/rpc-server.ts": [
      { name: "readMaxBytes", meaning: "a request message" },
      { name: "writeMaxBytes", meaning: "an answer" },
      { name: "callsMax", meaning: "calls in hand; more are refused with `TOO_MANY_CALLS`" },
      { name: "defaultTimeoutMs", meaning: "the deadline of calls that bring none" },
      { name: "maxTimeoutMs", meaning: "the longest deadline a call may ask for" },
    ],
    "packages/rpc/src/server/unary/unary-server.ts": [
      { name: "compressMinBytes", meaning: "smaller answers are not compressed" },
    ],
    "packages/rpc/src/server/unary/http2-exchange.ts": [
      { name: "dropMaxBytes", meaning: "what is read of a request after its answer" },
    ],
    "packages/rpc/src/server/one-port-listener.ts": [
      { name: "connectionsMax", meaning: "open connections" },
      { name: "streamsMax", meaning: "calls at a time on one HTTP/2 connection" },
      { name: "firstByteTimeoutMs", meaning: "until a new connection has said what it speaks" },
      { name: "firstByteTimeoutAtEndMs", meaning: "the same once the server stops" },
      { name: "keepAliveTimeout", meaning: "an idle HTTP/1.1 connection", unit: "ms" },
      { name: "headersTimeout", meaning: "the head of an HTTP/1.1 request", unit: "ms" },
      { name: "requestTimeout", meaning: "an HTTP/1.1 request", unit: "ms" },
      { name: "maxHeaderSize", meaning: "the head of an HTTP/1.1 request", unit: "bytes" },
      { name: "maxHeaderListSize", meaning: "the head of an HTTP/2 request", unit: "bytes" },
      { name: "windowBytes", meaning: "flow control window of an HTTP/2 stream" },
      { name: "maxSessionMemory", meaning: "memory of one HTTP/2 connection", unit: "MiB" },
    ],
    "packages/rpc/src/rest/query-to-json.ts": [
      { name: "quotedCharsMax", meaning: "characters of a query's key that an error repeats", unit: "count" },
    ],
    "packages/rpc/src/builtin/health-service.ts": [
      { name: "watchIntervalMs", meaning: "between two looks of `grpc.health.v1` Watch" },
    ],
    "packages/rpc/src/auth/access-token-verifier.ts": [
      { name: "clockToleranceS", meaning: "difference between clocks when a token's times are checked" },
      {
        name: "cacheMax",
        meaning: "verified access tokens remembered; in the gateway `PLINTH_GATEWAY_TOKEN_CACHE_MAX`",
      },
    ],
    "packages/rpc/src/auth/key-set.ts": [
      { name: "keysMax", meaning: "keys in an issuer's key set" },
      { name: "refreshMs", meaning: "between two fetches of a key set" },
      { name: "cooldownMs", meaning: "unknown key ids cause at most one fetch in" },
    ],
    "packages/rpc/src/auth/workload-token-verifier.ts": [
      { name: "cacheMax", meaning: "verified workload tokens remembered" },
      { name: "clockToleranceS", meaning: "difference between clocks when a workload token's times are checked" },
      { name: "fetchTimeoutMs", meaning: "fetching the keys of workload tokens" },
      { name: "documentCharsMax", meaning: "the key set of workload tokens, in characters", unit: "count" },
    ],
  },
  ...openApiLimits,
  ...callLimits,
  ...redisLimits,
  ...databaseAndEvents,
  "Gateway: callers": {
    "services/gateway/src/data/listener.ts": [
      { name: "connectionsMax", meaning: "open connections" },
      { name: "headerBytesMax", meaning: "all header fields of a request" },
      { name: "headersTimeoutMs", meaning: "until the head of a request is complete" },
      { name: "prefaceTimeoutMs", meaning: "until the first byte of a new connection" },
      { name: "prefaceTimeoutAtEndMs", meaning: "the same once the port is closed" },
      { name: "keepAliveTimeoutMs", meaning: "an idle HTTP/1.1 connection" },
      {
        name: "pipelinedBytesMax",
        meaning: "later requests on an HTTP/1.1 connection before the current one is answered",
      },
      { name: "lingerMs", meaning: "an unwanted body is still read, so that the answer arrives" },
      { name: "lingerBytesMax", meaning: "as much of it" },
      { name: "sessionIdleMs", meaning: "an idle HTTP/2 connection" },
      { name: "streamsPerSessionMax", meaning: "requests at a time on one HTTP/2 connection" },
      { name: "streamWindowBytes", meaning: "flow control window of a request" },
      { name: "sessionWindowBytes", meaning: "flow control window of a connection" },
      { name: "streamResetBurst", meaning: "resets a connection may cause at once", unit: "count" },
      { name: "streamResetRate", meaning: "resets a second it may cause for long", unit: "count" },
      { name: "sessionMemoryMiB", meaning: "memory of one HTTP/2 connection", unit: "MiB" },
    ],
    "services/gateway/src/data/request-head.ts": [{ name: "headersMax", meaning: "header fields of a request" }],
    "services/gateway/src/data/normalise-path.ts": [
      { name: "targetCharsMax", meaning: "characters of a path with its query; then `TARGET_TOO_LONG`" },
    ],
    "services/gateway/src/control/compile-rule.ts": [
      { name: "timeoutMs", meaning: "a request, unless its rule says otherwise (`timeout`)" },
      { name: "idleTimeoutMs", meaning: "silence on a stream, unless its rule says otherwise" },
      { name: "maxBodyBytes", meaning: "a request body, unless its rule says otherwise" },
    ],
    "services/gateway/src/data/http1/request-parser.ts": [
      { name: "methodCharsMax", meaning: "characters of a method" },
    ],
    "services/gateway/src/data/http1/chunked-decoder.ts": [
      { name: "sizeDigitsMax", meaning: "digits of a chunk's size", unit: "count" },
      { name: "extensionBytesMax", meaning: "the chunk extensions of one body together" },
      { name: "trailerBytesMax", meaning: "the trailers of a body in chunks" },
      { name: "trailersMax", meaning: "trailer fields" },
    ],
    "services/gateway/src/auth/fetch-jwks.ts": [
      { name: "timeoutMs", meaning: "fetching the keys of auth" },
      { name: "documentBytesMax", meaning: "the key set" },
    ],
    "services/gateway/src/auth/keep-keys.ts": [
      { name: "startRetryMs", meaning: "between two attempts to get the first key set" },
      { name: "refreshMs", meaning: "between two fetches of the key set" },
    ],
  },
  "Gateway: services behind it": {
    "services/gateway/src/data/endpoint.ts": [
      { name: "connectTimeoutMs", meaning: "a connection attempt" },
      { name: "connectionsMax", meaning: "HTTP/1.1 connections to one instance; more requests wait in line" },
      { name: "keepAliveTimeoutMs", meaning: "an idle HTTP/1.1 connection" },
      { name: "keepAliveMarginMs", meaning: "less than an instance says it keeps idle connections" },
      { name: "headBytesMax", meaning: "the head of an HTTP/1.1 answer" },
      { name: "fieldsMax", meaning: "header fields of an HTTP/1.1 answer" },
      { name: "interimMax", meaning: "interim answers (1xx) before an answer" },
    ],
    "services/gateway/src/data/kept-body.ts": [
      { name: "keptBytesMax", meaning: "of a body that is streamed, kept until the service answers" },
    ],
    "services/gateway/src/data/time-left.ts": [
      { name: "toldMsMax", meaning: "a route's time that services are told where the caller set no deadline" },
    ],
    "services/gateway/src/data/forward.ts": [
      { name: "attemptsMax", meaning: "attempts per request that reach an instance, the first included" },
      { name: "refusedMax", meaning: "streams of one request that an instance refuses to take" },
      { name: "bufferedBodyBytesMax", meaning: "a request body that is kept for another attempt" },
    ],
    "services/gateway/src/control/file-route-source.ts": [
      { name: "filesMax", meaning: "manifests in the routes directory" },
      { name: "settleMs", meaning: "the directory is quiet before it is read" },
      { name: "rescanMs", meaning: "between two looks, in case a change was not announced" },
    ],
    "services/gateway/src/data/workload-token.ts": [
      { name: "rereadMs", meaning: "between two readings of the own workload token" },
    ],
    "services/gateway/src/reflection/local-rpc.ts": [{ name: "readMaxBytes", meaning: "a reflection request" }],
    "services/gateway/src/reflection/merged-reflection.ts": [
      { name: "retryMs", meaning: "before a service whose descriptors failed is asked again" },
    ],
    "services/gateway/src/reflection/service-catalog.ts": [
      { name: "timeoutMs", meaning: "asking a service for its descriptors" },
      { name: "filesMax", meaning: "descriptor files of a service" },
      { name: "fileBytesMax", meaning: "a descriptor file" },
    ],
  },
  ...gatewayOnKubernetes,
  auth: {
    "services/auth/src/throttle/login-throttle.ts": [
      { name: "knownMs", meaning: "an address from which the owner signed in counts as known" },
    ],
    "services/auth/src/keys/key-ring.ts": [
      { name: "refreshMs", meaning: "another instance's key rotation is noticed" },
    ],
    "services/auth/src/app.ts": [
      { name: "overlapReserveMs", meaning: "an old signing key stays published beyond the life of its last token" },
      { name: "pruneIntervalMs", meaning: "between two removals of ended sessions" },
    ],
    "services/auth/src/store/postgres-session-store.ts": [
      { name: "keepEndedMs", meaning: "an ended session is kept, so that its reuse is noticed" },
    ],
    "services/auth/src/rpc/list-sessions.ts": [
      { name: "defaultPageSize", meaning: "sessions on a page", unit: "count" },
    ],
    "services/auth/src/rpc/service-credentials.ts": [
      { name: "defaultPageSize", meaning: "service credentials on a page", unit: "count" },
    ],
  },
  identity: {
    "services/identity/src/domain/password-policy.ts": [
      { name: "bytesMax", meaning: "a password" },
      { name: "ownCharactersMin", meaning: "characters of a password beside the person's own name and address" },
    ],
    "services/identity/src/passwords/bcrypt-workers.ts": [
      { name: "bcryptBytesMax", meaning: "a password with an imported bcrypt hash; longer ones are refused, not cut" },
    ],
    "services/identity/src/passwords/hash-format.ts": [
      { name: "argon2MemoryKiB", meaning: "memory of an imported argon2id hash", unit: "KiB" },
      { name: "argon2Iterations", meaning: "passes of an imported argon2id hash", unit: "count" },
      { name: "argon2Parallelism", meaning: "lanes of an imported argon2id hash", unit: "count" },
      { name: "bcrypt", meaning: "cost of an imported bcrypt hash", unit: "count" },
      { name: "scryptLogN", meaning: "log2 N of an imported scrypt hash", unit: "count" },
      { name: "scryptR", meaning: "r of an imported scrypt hash", unit: "count" },
      { name: "scryptP", meaning: "p of an imported scrypt hash", unit: "count" },
      { name: "pbkdf2", meaning: "iterations of an imported PBKDF2 hash", unit: "count" },
    ],
    "services/identity/src/passwords/password-hasher.ts": [
      { name: "scryptMemoryMax", meaning: "memory of an scrypt verification", unit: "bytes" },
    ],
    "services/identity/src/rpc/list-users.ts": [{ name: "defaultPageSize", meaning: "users on a page", unit: "count" }],
  },
  authz: {
    "services/authz/src/domain/limits.ts": [
      { name: "objectBytesMax", meaning: "an object, `type:id`" },
      { name: "subjectBytesMax", meaning: "a subject, `type:id#relation`" },
      { name: "typeNameMax", meaning: "characters of a type's name" },
      { name: "relationNameMax", meaning: "characters of a relation's name" },
      { name: "resolutionStepsMax", meaning: "depth of a check; then `RESOLUTION_TOO_DEEP`" },
      { name: "checkNodesMax", meaning: "object and relation pairs that a check visits; then `CHECK_TOO_LARGE`" },
      { name: "checkRelationshipsMax", meaning: "stored relationships that a check reads; then `CHECK_TOO_LARGE`" },
      { name: "readBatchMax", meaning: "object and relation pairs in one read of the store" },
      { name: "changesMax", meaning: "writes and deletes of a request; then `WRITE_TOO_LARGE`" },
      { name: "modulesMax", meaning: "modules of the model" },
      { name: "moduleBytesMax", meaning: "a module" },
      { name: "typesMax", meaning: "types of the model" },
      { name: "relationsPerTypeMax", meaning: "relations of a type" },
      { name: "rewriteNodesMax", meaning: "operators in a relation's definition" },
      { name: "nestingMax", meaning: "open parentheses at one place of a module" },
      { name: "conditionsMax", meaning: "conditions of the model" },
      { name: "conditionParametersMax", meaning: "parameters of a condition" },
      { name: "conditionExpressionBytesMax", meaning: "a condition's expression" },
      { name: "conditionContextBytesMax", meaning: "a condition's parameters as JSON" },
      { name: "conditionContextDepthMax", meaning: "nesting of a condition's parameters" },
    ],
    "services/authz/src/model/model-cache.ts": [{ name: "modelsMax", meaning: "compiled models remembered" }],
    "services/authz/src/domain/model/parse-dsl.ts": [
      { name: "reportedErrorsMax", meaning: "mistakes in a module that an answer names" },
    ],
  },
  ...auditLimits,
  "PlatformService manifests": {
    "packages/platform/src/parse-manifests.ts": [
      { name: "manifestMaxLength", meaning: "characters of a manifest file", unit: "count" },
      { name: "maxAliasCount", meaning: "aliases in a manifest file", unit: "count" },
    ],
    "packages/platform/src/schema/values.ts": [
      { name: "serviceNameMaxLength", meaning: "characters of a service's name", unit: "count" },
    ],
  },
  "The local substrate": {
    "cli/src/local/service-process.ts": [
      { name: "killAfterMs", meaning: "a service that was told to stop is killed" },
      { name: "backoffInitialMs", meaning: "before a service that died is started again" },
      { name: "backoffMaxMs", meaning: "the same, when it keeps dying" },
      {
        name: "stableMs",
        meaning: "a service that ran this long counts as stable: the wait before its next start begins anew",
      },
      { name: "probeMs", meaning: "between two looks whether a service is ready" },
      { name: "lateMax", meaning: "late answers in a row to such looks before it is unready" },
      { name: "lastLinesMax", meaning: "log lines shown when a service dies" },
    ],
    "cli/src/local/supervisor.ts": [
      { name: "readyTimeoutMs", meaning: "a service has to become ready" },
      { name: "explainAfterMs", meaning: "before `plinth up` says what it waits for" },
    ],
    "cli/src/local/embedded-postgres.ts": [
      { name: "startTimeoutMs", meaning: "PostgreSQL has to answer" },
      { name: "stopTimeoutMs", meaning: "PostgreSQL has to stop" },
      { name: "logMaxBytes", meaning: "PostgreSQL's log before it is rotated" },
    ],
    "cli/src/local/log-file.ts": [{ name: "defaultMaxBytes", meaning: "a service's log before it is rotated" }],
    "cli/src/local/line-splitter.ts": [{ name: "lineMaxLength", meaning: "characters of a log line", unit: "count" }],
    "cli/src/local/workload-tokens.ts": [
      { name: "lifetimeSeconds", meaning: "a workload token is valid", unit: "s" },
      { name: "rewriteMs", meaning: "between two mintings" },
    ],
    "cli/src/local/native-addons.ts": [
      { name: "harmlessMax", meaning: "imports of packages that are remembered to have no native code" },
    ],
    "cli/src/reload/changes.ts": [
      { name: "quietMs", meaning: "without a further change, and what was saved is built" },
      { name: "collectMaxMs", meaning: "the same, when changes do not end" },
      { name: "filesMax", meaning: "changed files that are told apart" },
    ],
    "cli/src/reload/folder-watch.ts": [
      { name: "defaultLookMs", meaning: "between two looks at folders that the system cannot watch" },
    ],
    "cli/src/reload/source-folders.ts": [
      { name: "foldersMax", meaning: "folders of a tree of sources that are followed" },
      { name: "depthMax", meaning: "their depth" },
    ],
    "cli/src/reload/reload.ts": [{ name: "namedMax", meaning: "changed files that a line names" }],
    "cli/src/local/control-socket.ts": [{ name: "bodyMaxBytes", meaning: "a request to the control socket" }],
    "cli/src/local/ports.ts": [{ name: "neighboursMax", meaning: "ports tried above one that is taken" }],
    "cli/src/program.ts": [{ name: "replicasMax", meaning: "instances of a service" }],
    "cli/src/commands/down.ts": [{ name: "downTimeoutMs", meaning: "`plinth down` waits" }],
  },
  Kubernetes: {
    "packages/kube/src/connection.ts": [
      { name: "credentialsAgeMaxMs", meaning: "a pod's token before its file is read again" },
      { name: "connectTimeoutMs", meaning: "connecting to the API server" },
      { name: "keepAliveProbeMs", meaning: "between two probes of an idle connection" },
    ],
    "packages/kube/src/http-transport.ts": [
      { name: "retriesMax", meaning: "repetitions of a call that the API server put off" },
      { name: "retryWaitMaxMs", meaning: "waiting before such a repetition" },
    ],
    "packages/kube/src/breather.ts": [
      { name: "sliceMs", meaning: "reconciles that wait for nothing, before the rest of the process has a turn" },
    ],
    "packages/kube/src/watch-stream.ts": [{ name: "lineBytesMax", meaning: "one event of a watch" }],
    "packages/kube/src/reflector.ts": [
      {
        name: "staleListsMax",
        meaning: "lists in a row that are older than what was seen; then the cluster did go back",
      },
      { name: "watchMinMs", meaning: "a watch that ends sooner, with nothing in it, counts as failed" },
    ],
    "packages/kube/src/conditions.ts": [
      { name: "messageCharactersMax", meaning: "characters of a condition's message", unit: "count" },
    ],
    "packages/kube/src/event-series.ts": [
      { name: "seriesMs", meaning: "without a repetition, then the same event is a new one" },
      { name: "rewriteMs", meaning: "between two writes of a repeating event" },
      { name: "rememberedMax", meaning: "event series remembered" },
    ],
    "packages/kube/src/events.ts": [
      { name: "noteCharactersMax", meaning: "characters of an event's note", unit: "count" },
      { name: "attemptsMax", meaning: "tries to write an event" },
      { name: "callTimeoutMs", meaning: "writing an event" },
    ],
  },
  ...operationsLimits,
  ...operatorLimits,
  "Clients for users": sdkLimits,
  "The example service notes": {
    "examples/notes/src/events/on-user-erased.ts": [
      { name: "notesAtOnceMax", meaning: "notes of an erased user that are removed in one transaction" },
    ],
    "examples/notes/src/authz/note-rights.ts": [{ name: "batchMax", meaning: "questions to authz in one call" }],
    "examples/notes/src/rpc/list-notes.ts": [{ name: "defaultPageSize", meaning: "notes on a page", unit: "count" }],
  },
};

/** Constants whose names end like limits but which are none: formats, units, intervals of a terminal. */
export const notLimits: Readonly<Record<string, readonly string[]>> = {
  ...auditFormats,
  "services/auth/src/domain/refresh-token.ts": ["tokenBytes"],
  "packages/kernel/src/sealed-bytes.ts": ["nonceBytes", "tagBytes"],
  "packages/postgres/src/data-key.ts": ["keyBytes"],
  "services/auth/src/rpc/service-credentials.ts": ["dayMs"],
  "services/gateway/src/data/random-hex.ts": ["poolBytes"],
  "services/gateway/src/data/error-forms.ts": ["formsMax"],
  "services/gateway/src/data/http1/connection-pool.ts": ["tickMs"],
  "services/gateway/src/data/http1/packet.ts": ["packetBytesMax"],
  "services/gateway/src/data/http1/server-connection.ts": ["tickMs"],
  "services/gateway/src/data/http1/field-names.ts": ["lengthMax"],
  "services/gateway/src/data/local-rate-limiter.ts": ["sweepMax"],
};

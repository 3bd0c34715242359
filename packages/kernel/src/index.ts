export { type AdminServer, type AdminServerOptions, createAdminServer } from "./admin-server.ts";
export { type BackoffOptions, backoffMs } from "./backoff.ts";
export { type CellHistogram, type CellHistogramOptions, cellHistogram, type HistogramCell } from "./cell-histogram.ts";
export { inChildSpan, recordingSpan, type SpanDescription } from "./child-span.ts";
export { type Clock, systemClock } from "./clock.ts";
export {
  bool,
  ConfigError,
  type ConfigKey,
  type ConfigOf,
  type ConfigSource,
  type ConfigSpec,
  describeConfig,
  durationMs,
  encryptionKey,
  integer,
  list,
  oneOf,
  optionalEncryptionKey,
  optionalText,
  pairs,
  parseDurationMs,
  readConfig,
  secret,
  someOf,
  text,
  url,
} from "./config.ts";
export { Fault, type FaultCode, type FaultInit, faultOf, isFault, unreachable } from "./fault.ts";
export { createHealth, type Health, type HealthCheck } from "./health.ts";
export { hostPort } from "./host-port.ts";
export { type Component, createLifecycle, type Lifecycle, type LifecycleOptions } from "./lifecycle.ts";
export { createLineWriter, type WriteLine } from "./line-writer.ts";
export {
  createLogger,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  serializeError,
  silentLogger,
} from "./logger.ts";
export { type OtlpSignal, otlpSignals } from "./otlp-export.ts";
export { alsoToOtlp } from "./otlp-lines.ts";
export { decodePageToken, encodePageToken, uuidForm } from "./page-token.ts";
export { exitCodes, type ProcessPlan, runProcess } from "./process.ts";
export { formatUuidV7, type Random, systemRandom } from "./random.ts";
export { readLines } from "./read-lines.ts";
export { requestIdOf, withRequestId } from "./request-id.ts";
export { createRounds, type RoundsOptions } from "./rounds.ts";
export { derivedKey, newNonce, openBytes, sealBytes } from "./sealed-bytes.ts";
export { locateService, platformServiceNames, qualifiedServiceName, serviceHost } from "./service-name.ts";
export type { WrittenSpan } from "./span-file.ts";
export { collectsSpans, startTelemetry, type Telemetry, type TelemetryOptions } from "./telemetry.ts";

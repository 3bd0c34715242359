/** A metric as Prometheus scrapes it; a histogram has the suffixes _bucket, _sum and _count besides. */
export interface Metric {
  type: "counter" | "gauge" | "histogram";
  /** Empty for things that are counted. */
  unit: "" | "seconds";
  labels: readonly string[];
  meaning: string;
  /** The name in the source, where it is not this one with dots or without the suffix of counters. */
  source?: string;
}

const counter = (labels: readonly string[], meaning: string): Metric => ({
  type: "counter",
  unit: "",
  labels,
  meaning,
});
const gauge = (labels: readonly string[], meaning: string, unit: Metric["unit"] = ""): Metric => ({
  ...{ type: "gauge", unit, labels, meaning },
});
const seconds = (labels: readonly string[], meaning: string): Metric => ({
  ...{ type: "histogram", unit: "seconds", labels, meaning },
});

const rpc = ["rpc_method", "rpc_response_status_code"];
const pool = "db_client_connection_pool_name";
const sdk = ["otel_component_type", "otel_component_name"];
const queue = ["name", "controller"];

/** Every metric of Plinth by where it is told; tests hold it against the source and against a running platform. */
export const metricCatalogue: Readonly<Record<string, Readonly<Record<string, Metric>>>> = {
  "Every process": {
    target_info: gauge(
      ["service_name", "service_namespace", "service_instance_id", "service_version"],
      "1; its labels say which process this is, with more of them where OTEL_RESOURCE_ATTRIBUTES or Kubernetes tell more",
    ),
    otel_sdk_processor_span_processed_total: counter(
      [...sdk, "error_type"],
      "Spans that were sent to the receiver; with an `error_type` those that were lost: `queue_full`, or why sending failed",
    ),
    otel_sdk_processor_span_queue_size: gauge(sdk, "Spans that wait to be sent"),
    otel_sdk_processor_span_queue_capacity: gauge(sdk, "Spans that may wait"),
    otel_sdk_processor_log_processed_total: counter([...sdk, "error_type"], "The same for log lines"),
    otel_sdk_processor_log_queue_size: gauge(sdk, "Log lines that wait to be sent"),
    otel_sdk_processor_log_queue_capacity: gauge(sdk, "Log lines that may wait"),
  },
  "RPCs served": {
    rpc_server_call_duration: seconds(
      rpc,
      "RPCs until their end, that of a stream included: how many (`_count`), how they ended, how long they took. Codes: `ok` or as in docs/errors.md",
    ),
  },
  "Every service but the gateway": {
    plinth_denials_dropped_total: counter([], "Refused calls of which no event tells, because too many came at once"),
  },
  "Calls to other services": {
    plinth_balancer_instances: gauge(
      ["service", "state"],
      "Instances that the registry knows, by what becomes of them here: `usable`, `ejected`, `draining` or `left_out` (subsetting leaves them to other callers)",
    ),
    plinth_balancer_ejections_total: counter(
      ["service", "reason"],
      "Instances left alone: after `failures` in a row, or after one while the last ejection was not made good (`probation`)",
    ),
    plinth_balancer_panics_total: counter(
      ["service"],
      "Choices that ignored ejections, because fewer than half of the instances would have been left",
    ),
    plinth_balancer_connections: gauge(["service"], "Open HTTP/2 connections"),
    plinth_balancer_queue_length: gauge(["service"], "Calls that wait for a place on a connection"),
    plinth_balancer_queue_wait_duration: seconds(["service"], "What those waited that had to"),
  },
  "Clients of services": {
    rpc_client_call_duration: seconds(rpc, "RPCs until their end, that of a stream and repeated attempts included"),
    plinth_client_calls_in_flight: gauge(["service"], "Calls that have not ended"),
    plinth_client_attempts_repeated_total: counter(
      ["service", "reason"],
      "Attempts after the first of a call, and why: `unreachable`, `refused`, `unavailable` or `hedge`; the last two spend the retry budget",
    ),
    plinth_client_calls_held_back_total: counter(
      ["service", "reason"],
      "Calls that were not made, and why: `full` or `failing`; with `budget` and `hedge` further attempts that the retry budget refused",
    ),
    plinth_client_budget_left: gauge(["service"], "Attempts that the retry budget allows now"),
    plinth_client_breaker_held_back_ratio: gauge(
      ["service"],
      "The breaker's state: the share of calls that is held back, 0 for a service that works, 0.8 at most",
    ),
    plinth_client_push_backs_total: counter(
      ["service", "wish"],
      "Failures with which a server said when it wants to be called again: `wait` or `never`",
    ),
  },
  "Services with a database": {
    db_client_connection_count: gauge(
      [pool, "db_client_connection_state"],
      "Connections to PostgreSQL that are `used` or `idle`",
    ),
    db_client_connection_max: gauge([pool], "Connections that there may be"),
    db_client_connection_pending_requests: gauge([pool], "Statements and transactions that wait for a connection"),
  },
  "Services with events": {
    plinth_outbox_waiting: gauge(
      [],
      "Events that are committed and not on the bus yet; told by the process that relays",
    ),
    plinth_outbox_oldest_age_seconds: gauge([], "How long the oldest of them has waited", "seconds"),
    plinth_outbox_published_total: counter([], "Events handed to the bus"),
    plinth_bus_lag: gauge(
      ["consumer_group", "topic"],
      "Events that wait for a group in this process's partitions: the sum over its instances is the group's",
    ),
    plinth_bus_consumed_total: counter(
      ["consumer_group", "topic", "outcome"],
      "Events that a group is done with: `handled`, `skipped` (a type it does not know) or `dead` (put aside)",
    ),
  },
  "Services with Redis": {
    plinth_redis_up: gauge([], "1 while Redis answers, 0 while it is away"),
    plinth_redis_call_duration_seconds: seconds(["call"], "Calls of Redis that were answered, by what they are for"),
    plinth_redis_calls_failed_total: counter(["call"], "Calls that were given up because no answer came in time"),
    plinth_cache_requests_total: counter(
      ["cache", "result"],
      "Look-ups: `hit` (this process), `far_hit` (Redis), `miss`, `away` (Redis did not answer) or `unreadable`",
    ),
  },
  Gateway: {
    plinth_gateway_requests_total: counter(
      ["route", "code"],
      "Requests that ended: `2xx` to `5xx`, `grpc_error` inside of 200, or `aborted` before an answer",
    ),
    plinth_gateway_request_duration_seconds: seconds(
      ["route", "code"],
      "From the request's head to the end of the answer",
    ),
    plinth_gateway_requests_in_flight: gauge([], "Requests that have not ended"),
    plinth_gateway_upstream_failures_total: counter(
      ["service", "kind"],
      "Attempts at a service that failed: `connect`, `broken` (in the middle) or `status`; `full` and `refused` say nothing against the instance",
    ),
    plinth_gateway_rate_limited_total: counter(["route"], "Requests that were refused because of their number"),
    plinth_gateway_jwks_age_seconds: gauge([], "Since auth's signing keys were read", "seconds"),
  },
  "The audit service": {
    plinth_audit_integrated_total: counter([], "Entries brought into the log's tree"),
    plinth_audit_sequencer_failures_total: counter(
      [],
      "Rounds in which nothing was signed: the database is away, or somebody has changed the log",
    ),
    plinth_audit_missing_numbers: gauge(
      ["numbering"],
      "Numbers of events or records that did not arrive within five minutes; every instance tells the same",
    ),
  },
  "The operator": {
    leader_election_master_status: gauge(["name"], "1 in the process that leads"),
    controller_runtime_reconcile_total: counter(
      ["controller", "result"],
      "Reconciles: `success`, `requeue_after` or `error`",
    ),
    controller_runtime_reconcile_errors_total: counter(["controller"], "Reconciles that failed"),
    controller_runtime_terminal_reconcile_errors_total: counter(["controller"], "Failures that are not tried again"),
    controller_runtime_reconcile_timeouts_total: counter(["controller"], "Reconciles that took too long"),
    controller_runtime_reconcile_time_seconds: seconds(["controller"], "Time that a reconcile took"),
    controller_runtime_active_workers: gauge(["controller"], "Workers that reconcile now"),
    controller_runtime_max_concurrent_reconciles: gauge(["controller"], "Workers there are"),
    workqueue_depth: gauge(queue, "Keys that wait"),
    workqueue_adds_total: counter(queue, "Keys that were added"),
    workqueue_retries_total: counter(queue, "Keys that were added again after a failure"),
    workqueue_queue_duration_seconds: seconds(queue, "Time that a key waited"),
    workqueue_work_duration_seconds: seconds(queue, "Time that a key was worked on"),
    workqueue_unfinished_work_seconds: gauge(queue, "Age of all work in hand together", "seconds"),
    workqueue_longest_running_processor_seconds: gauge(queue, "Age of the oldest work in hand", "seconds"),
    rest_client_requests_total: counter(["code", "method", "host"], "Calls of the API server, by status"),
    rest_client_request_duration_seconds: seconds(["verb", "host"], "Time until the API server's headers"),
    plinth_kube_informer_objects: gauge(["kind"], "Objects in the cache"),
    plinth_kube_informer_relists_total: counter(["kind", "why"], "Full lists, and why"),
    plinth_kube_informer_failures_total: counter(["kind", "reason"], "Lists and watches that failed"),
  },
};

export const allMetrics: ReadonlyMap<string, Metric> = new Map(
  Object.values(metricCatalogue).flatMap((section) => Object.entries(section)),
);

/** The metric that a name in a query or in a scrape belongs to; undefined when there is none. */
export function metricOf(name: string): Metric | undefined {
  const base = allMetrics.get(name.replace(/_(bucket|sum|count)$/, ""));
  return allMetrics.get(name) ?? (base?.type === "histogram" ? base : undefined);
}

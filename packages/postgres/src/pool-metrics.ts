import { type BatchObservableResult, metrics } from "@opentelemetry/api";
import type pg from "pg";

/** Shows how a pool of connections is used, for as long as it is open (OpenTelemetry's conventions). Returns the end of it. */
export function observePool(pool: pg.Pool, poolMax: number, name: string): () => void {
  const meter = metrics.getMeter("plinth.postgres");
  const count = meter.createObservableUpDownCounter("db.client.connection.count", {
    description: "Connections to PostgreSQL by what they do: used or idle",
    unit: "{connection}",
  });
  const max = meter.createObservableUpDownCounter("db.client.connection.max", {
    description: "Connections to PostgreSQL at most",
    unit: "{connection}",
  });
  const pending = meter.createObservableUpDownCounter("db.client.connection.pending_requests", {
    description: "Statements and transactions that wait for a connection",
    unit: "{request}",
  });
  const observe = (result: BatchObservableResult): void => {
    const pooled = { "db.client.connection.pool.name": name };
    const state = "db.client.connection.state";
    result.observe(count, pool.totalCount - pool.idleCount, { ...pooled, [state]: "used" });
    result.observe(count, pool.idleCount, { ...pooled, [state]: "idle" });
    result.observe(max, poolMax, pooled);
    result.observe(pending, pool.waitingCount, pooled);
  };
  const all = [count, max, pending];
  meter.addBatchObservableCallback(observe, all);
  return () => meter.removeBatchObservableCallback(observe, all);
}

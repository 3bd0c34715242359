import { Fault } from "@plinth/kernel";
import type { ConfigurationItem, ConfigurationService } from "@plinth/proto/plinth/audit/v1/configuration";
import type { Handler } from "@plinth/rpc";
import type { Values } from "../configuration/changes.ts";
import type { ConfigurationRecord } from "../configuration/configuration-record.ts";
import { traceIdOf } from "../domain/entry.ts";

/** Of an item as JSON: two of them, before and after, are in one entry. */
const itemMaxBytes = 64 * 1024;

export function reportConfiguration(
  configurations: ConfigurationRecord,
): Handler<typeof ConfigurationService.method.reportConfiguration> {
  return async ({ group, items }, call) => {
    const changes = await configurations.report({
      // Who reports it is proven, not claimed.
      source: call.workload ?? call.actor,
      group,
      items: byName(items),
      requestId: call.requestId,
      traceId: traceIdOf(call.traceparent),
      ipAddress: "",
    });
    return { changes };
  };
}

function byName(items: readonly ConfigurationItem[]): Map<string, Values> {
  const named = new Map<string, Values>();
  for (const { name, value = {} } of items) {
    if (named.has(name)) throw refused(name, "is in the report twice: an item has one value");
    const bytes = Buffer.byteLength(JSON.stringify(value));
    if (bytes > itemMaxBytes) throw refused(name, `has ${bytes} bytes as JSON, and ${itemMaxBytes} are the most`);
    named.set(name, value);
  }
  return named;
}

const refused = (name: string, why: string): Fault =>
  new Fault({
    code: "invalid_argument",
    reason: "CONFIGURATION_ITEM_INVALID",
    message: `${name} ${why}`,
    details: { name },
  });

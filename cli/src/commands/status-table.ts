import type { PlatformStatus } from "../local/control-socket.ts";

/** For a person: one line per instance, with its reason when it is not ready. */
export function statusTable(status: PlatformStatus): string[] {
  const rows = status.services.flatMap(({ instances }) => instances);
  const width = Math.max(7, ...rows.map((row) => row.label.length));
  return [
    `platform ${status.state}${status.gatewayUrl ? `, gateway ${status.gatewayUrl}` : ""}, data ${status.home}`,
    `${"SERVICE".padEnd(width)}  STATE     PORT   PID      RESTARTS`,
    ...rows.map((row) => {
      const cells = [
        row.label.padEnd(width),
        row.state.padEnd(8),
        String(row.port).padEnd(5),
        String(row.pid ?? "-").padEnd(7),
        row.restarts,
      ];
      const why = row.problems.length > 0 ? `  ${row.problems.join("; ")}` : "";
      return `${cells.join("  ")}${why}`;
    }),
  ];
}

export const isHealthy = (status: PlatformStatus): boolean =>
  status.state === "ready" &&
  status.services.every(({ instances }) => instances.every(({ state }) => state === "ready"));

import { parseDurationMs } from "@plinth/kernel";

export const durationSeconds = (duration: string): number => Math.max(1, Math.ceil(parseDurationMs(duration) / 1000));

/** As the Gateway API wants it (GEP-2257): at most five digits before each unit. */
export function gatewayDuration(duration: string): string {
  const ms = parseDurationMs(duration);
  const parts: [number, string][] = [
    [Math.floor(ms / 3_600_000), "h"],
    [Math.floor(ms / 60_000) % 60, "m"],
    [Math.floor(ms / 1000) % 60, "s"],
    [ms % 1000, "ms"],
  ];
  return (
    parts
      .filter(([count]) => count > 0)
      .map(([count, unit]) => `${count}${unit}`)
      .join("") || "0s"
  );
}

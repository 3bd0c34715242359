const unitMs: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** Reads a duration of the Gateway API (GEP-2257: "1h30m", "500ms"); undefined when it is none. */
export function gatewayDurationMs(text: string): number | undefined {
  if (!/^(\d{1,5}(h|m|s|ms)){1,4}$/.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(h|ms|m|s)/g))
    ms += Number(amount) * (unitMs[unit as string] as number);
  return ms;
}

import type { Finding } from "./check.ts";

/** Tokens are accepted this much early or late; see the token's verification. */
const skewWarnsMs = 5_000;
const skewFailsMs = 30_000;

export const skewHint =
  "let both machines take the time from the same server (chrony, systemd-timesyncd), then try again";

/** How far a time that another clock told lies outside of the span in which it was asked. */
export function skewFinding(toldMs: number, [beforeMs, afterMs]: readonly [number, number], whose: string): Finding {
  const skewMs = toldMs < beforeMs ? toldMs - beforeMs : Math.max(0, toldMs - afterMs);
  const seconds = Math.round(Math.abs(skewMs) / 1_000);
  if (Math.abs(skewMs) < skewWarnsMs) return { status: "ok", message: `this machine and ${whose} agree on the time` };
  const message = `the clock of ${whose} is ${seconds} s ${skewMs > 0 ? "ahead of" : "behind"} this machine's`;
  return { status: Math.abs(skewMs) < skewFailsMs ? "warning" : "failed", message };
}

import type { Clock, Random } from "@plinth/kernel";

export interface Breaker {
  /**
   * Whether a call may be made. "full": as many are in flight as may be. "failing": the service has failed most of
   * late, and this call was chosen to spare it.
   */
  enter(): "ok" | "full" | "failing";
  /** What became of a call that was let in. "other": its caller gave up, or nothing was reached that could be spared. */
  leave(outcome: "ok" | "failed" | "other"): void;
  readonly inFlight: number;
  /** The share of calls that is held back now: 0 for a service that works. */
  heldBack(): number;
}

export interface BreakerOptions {
  clock: Clock;
  random: Random;
  /** Calls in flight. Default 1,024 (Envoy's max_requests). */
  inFlightMax?: number;
}

const inFlightMaxDefault = 1_024;
/** Twice as many calls as a service accepts are let through (Google's SRE book, "Handling overload": K = 2). */
const multiplier = 2;
/** Nothing is spared before the service has had so many calls within the window. */
const callsMin = 20;
/** Some always pass, so that a service that works again is found out within seconds (Envoy's max_rejection_probability). */
const heldBackPercentMax = 80;
/** So many accepted in a row, and what was before is forgotten: a service that is back is not made to wait for the window. */
const acceptedInRowMin = 3;
const windowMs = 10_000;
const slots = 10;

/**
 * Bounds what one caller asks of one service: calls in flight, and calls to a service that fails (client-side throttling,
 * SRE book chapter 21): a call is held back with probability max(0, (calls - 2 × accepted) / (calls + 1)) of the last 10 s. It
 * needs no half-open state: one in five always passes, and three that succeed in a row end it.
 */
export function createBreaker({ clock, random, inFlightMax = inFlightMaxDefault }: BreakerOptions): Breaker {
  const calls = new Float64Array(slots);
  const accepted = new Float64Array(slots);
  let slot = 0;
  let slotSinceMs = clock.monotonicMs();
  let inFlight = 0;
  let acceptedInRow = 0;

  function turn(): void {
    const passed = Math.floor((clock.monotonicMs() - slotSinceMs) / (windowMs / slots));
    for (let i = 0; i < Math.min(passed, slots); i++) {
      slot = (slot + 1) % slots;
      calls[slot] = 0;
      accepted[slot] = 0;
    }
    slotSinceMs += passed * (windowMs / slots);
  }
  const sum = (counts: Float64Array): number => counts.reduce((total, count) => total + count, 0);

  function heldBack(): number {
    turn();
    const asked = sum(calls);
    const share = (asked - multiplier * sum(accepted)) / (asked + 1);
    return asked < callsMin ? 0 : Math.max(0, Math.min(heldBackPercentMax / 100, share));
  }

  return {
    heldBack,
    enter() {
      if (inFlight >= inFlightMax) return "full";
      const share = heldBack();
      if (share > 0 && random.fraction() < share) {
        calls[slot] = (calls[slot] as number) + 1;
        return "failing";
      }
      inFlight++;
      return "ok";
    },
    leave(outcome) {
      inFlight--;
      // Not the service's doing: as if it had not been made.
      if (outcome === "other") return;
      turn();
      calls[slot] = (calls[slot] as number) + 1;
      acceptedInRow = outcome === "ok" ? acceptedInRow + 1 : 0;
      if (outcome === "failed") return;
      accepted[slot] = (accepted[slot] as number) + 1;
      if (acceptedInRow !== acceptedInRowMin) return;
      calls.fill(0);
      accepted.fill(0);
    },
    get inFlight() {
      return inFlight;
    },
  };
}

import { Fault } from "@plinth/kernel";

/** What a text from outside is when it is not what it claims to be. */
export type InvalidReason = "KEY_INVALID" | "CHECKPOINT_INVALID" | "PROOF_INVALID";

export const invalid = (reason: InvalidReason, message: string): Fault =>
  new Fault({ code: "invalid_argument", reason, message });

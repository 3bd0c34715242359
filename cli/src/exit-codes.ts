/** 0 done, 1 failed, 2 wrong usage, 3 nothing runs here (status). */
export const exitCodes = { ok: 0, failed: 1, usage: 2, notRunning: 3 } as const;

/** Ends a command with a message for a person and no stack. */
export class CommandFailure extends Error {
  readonly code: number;

  constructor(message: string, code: number = exitCodes.failed) {
    super(message);
    this.name = "CommandFailure";
    this.code = code;
  }
}

/** Thrown by a reconciler for what no retry can help: the key waits until something changes. */
export class TerminalFault extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "TerminalFault";
  }
}

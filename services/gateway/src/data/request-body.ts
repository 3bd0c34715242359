/** Who takes the body of a request. A chunk may be kept. */
export interface BodySink {
  onBodyData(chunk: Buffer): void;
  onBodyEnd(): void;
  /** It does not come whole. Not called when the caller is gone. */
  onBodyError(err: BodyIncomplete | BodyMalformed): void;
}

export class BodyTooLarge extends Error {
  constructor() {
    super("request body over its limit");
    this.name = "BodyTooLarge";
  }
}

export class BodyIncomplete extends Error {
  constructor() {
    super("request body ended early");
    this.name = "BodyIncomplete";
  }
}

/** The message names what is wrong, fit for the caller. */
export class BodyMalformed extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = "BodyMalformed";
  }
}

import { Fault } from "@plinth/kernel";

/** Says which state of which database a reader wants to see at least. */
export interface ConsistencyToken {
  /** First 8 bytes of the database's id, in hex. */
  readonly store: string;
  /** Number of the transaction that wrote (xid8: never wraps). */
  readonly transaction: bigint;
}

const version = 1;
const bytesLength = 17;

/** Version, store and transaction as 17 bytes in base64url: opaque to callers, the layout may change with the version. */
export function formatToken(token: ConsistencyToken): string {
  const bytes = Buffer.alloc(bytesLength);
  bytes.writeUInt8(version, 0);
  bytes.write(token.store, 1, 8, "hex");
  bytes.writeBigUInt64BE(token.transaction, 9);
  return bytes.toString("base64url");
}

export function parseToken(text: string): ConsistencyToken {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length !== bytesLength || bytes.toString("base64url") !== text || bytes.readUInt8(0) !== version)
    throw new Fault({
      code: "invalid_argument",
      reason: "CONSISTENCY_TOKEN_MALFORMED",
      message: "the consistency token is not one that a write returned; pass it on unchanged or leave it out",
    });
  return { store: bytes.toString("hex", 1, 9), transaction: bytes.readBigUInt64BE(9) };
}

/** For a token that another database made, or a state of this one that a restore has undone. */
export const unknownState = (): Fault =>
  new Fault({
    code: "failed_precondition",
    reason: "CONSISTENCY_TOKEN_UNKNOWN",
    message: "this database has never had the state that the consistency token names; drop the token and read again",
  });

export const stateNotYetVisible = (): Fault =>
  new Fault({
    code: "unavailable",
    reason: "CONSISTENCY_NOT_REACHED",
    message: "the write that the consistency token names is not visible yet, try again shortly",
    retryAfterMs: 100,
  });

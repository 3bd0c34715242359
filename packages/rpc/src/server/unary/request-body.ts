import { Code, ConnectError } from "@connectrpc/connect";
import { compressedFlag, envelopeHead, lengthIn, Pieces } from "../../envelope.ts";
import type { Exchange } from "./exchange.ts";

/** A message as it came; `compressed` is the flag of its envelope, or what the header says where there is none. */
export interface RawMessage {
  bytes: Uint8Array;
  compressed: boolean;
}

type Done = (result: RawMessage | ConnectError) => void;

/** Reads the body of a request without envelopes. Refuses one above `maxBytes` as soon as that can be told. */
export function readBare(exchange: Exchange, maxBytes: number, compressed: boolean, done: Done): void {
  const declared = Number(exchange.head.get("content-length") ?? 0);
  const pieces = new Pieces();
  if (declared > maxBytes) {
    exchange.drop();
    done(tooLarge(declared, maxBytes));
    return;
  }
  exchange.read(
    (piece) => {
      pieces.add(piece);
      if (pieces.length <= maxBytes) return true;
      done(tooLarge(undefined, maxBytes));
      return false;
    },
    () => done({ bytes: pieces.joined(), compressed }),
  );
}

/** Reads the one message of a request in envelopes. Refuses a larger or a second one as soon as that can be told. */
export function readEnveloped(exchange: Exchange, maxBytes: number, done: Done): void {
  const pieces = new Pieces();
  let length: number | undefined;
  exchange.read(
    (piece) => {
      pieces.add(piece);
      if (length === undefined && pieces.length >= envelopeHead) length = lengthIn(pieces.joined());
      if (length === undefined || (length <= maxBytes && pieces.length <= envelopeHead + length)) return true;
      done(length > maxBytes ? tooLarge(length, maxBytes) : mistake("received extra input message for unary method"));
      return false;
    },
    () => done(unwrap(pieces, length)),
  );
}

function unwrap(pieces: Pieces, length: number | undefined): RawMessage | ConnectError {
  if (pieces.length === 0) return mistake("missing input message for unary method");
  if (length === undefined || pieces.length < envelopeHead + length)
    return new ConnectError("protocol error: incomplete envelope", Code.InvalidArgument);
  const all = pieces.joined();
  return { bytes: all.subarray(envelopeHead), compressed: ((all[0] as number) & compressedFlag) !== 0 };
}

const mistake = (text: string): ConnectError => new ConnectError(`protocol error: ${text}`, Code.Unimplemented);

function tooLarge(bytes: number | undefined, maxBytes: number): ConnectError {
  const size = bytes === undefined ? "" : ` ${bytes}`;
  return new ConnectError(
    `message size${size} is larger than configured readMaxBytes ${maxBytes}`,
    Code.ResourceExhausted,
  );
}

/** An envelope of gRPC and gRPC-web: a byte of flags, four of length (big endian), then the message. */
export const envelopeHead = 5;
export const compressedFlag = 1;

/** The message's length, from at least the head of an envelope. */
export const lengthIn = (head: Uint8Array): number =>
  (head[1] as number) * 0x1000000 + (((head[2] as number) << 16) | ((head[3] as number) << 8) | (head[4] as number));

/** A message in its envelope, with bytes after it that have theirs already. */
export function enveloped(flags: number, message: Uint8Array, rest?: Uint8Array): Buffer {
  const length = message.byteLength;
  const all = Buffer.allocUnsafe(envelopeHead + length + (rest?.byteLength ?? 0));
  all[0] = flags;
  all[1] = length >>> 24;
  all[2] = length >>> 16;
  all[3] = length >>> 8;
  all[4] = length;
  all.set(message, envelopeHead);
  if (rest) all.set(rest, envelopeHead + length);
  return all;
}

/** What came of a message so far; most come in one piece. */
export class Pieces {
  length = 0;
  #list: Buffer[] = [];

  add(piece: Buffer): void {
    this.#list.push(piece);
    this.length += piece.length;
  }

  joined(): Buffer {
    if (this.#list.length !== 1) this.#list = [Buffer.concat(this.#list)];
    return this.#list[0] as Buffer;
  }
}
